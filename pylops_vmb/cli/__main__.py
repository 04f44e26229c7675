"""``python -m pylops_vmb.cli``: the command ``pylops-vmb`` without its script."""

import sys

from pylops_vmb.cli._main import main

if __name__ == "__main__":
    sys.exit(main())
