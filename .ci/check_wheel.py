"""Check that a wheel is small and holds the embedded weights, the type marker and the licences."""

import sys
from pathlib import Path
from zipfile import ZipFile

LIMIT = 6_000_000
NEEDED = ("pylops_vmb/py.typed", ".safetensors", "licenses/LICENSE", "licenses/COPYING")


def faults(wheel: Path) -> list[str]:
    """Say what is wrong with a wheel; an empty list means nothing is."""
    names = ZipFile(wheel).namelist()
    missing = [f"no {end} inside" for end in NEEDED if not any(n.endswith(end) for n in names)]
    size = wheel.stat().st_size
    return missing + [f"{size} bytes, more than {LIMIT}"] * (size >= LIMIT)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    wrong = faults(path)
    if wrong:
        sys.exit(f"{path.name}: {'; '.join(wrong)}")
    sys.stdout.write(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB\n")
