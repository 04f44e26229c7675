"""Check that a wheel is small and holds the embedded weights, the type marker and the licences."""

import sys
from pathlib import Path
from zipfile import ZipFile

LIMIT = 16_000_000
WEIGHTS = sorted((Path(__file__).parents[1] / "pylops_vmb/learned/weights").glob("*.safetensors"))
NEEDED = (
    "pylops_vmb/py.typed",
    "weights/fcnvmb-mini.safetensors",
    *(f"weights/{file.name}" for file in WEIGHTS),
    "licenses/LICENSE",
    "licenses/COPYING",
)


def faults(wheel: Path) -> list[str]:
    """Say what is wrong with a wheel; an empty list means nothing is."""
    names = ZipFile(wheel).namelist()
    missing = [f"no {end} inside" for end in NEEDED if not any(n.endswith(end) for n in names)]
    strays = [f"holds {name}" for name in names if not name.startswith("pylops_vmb")]
    size = wheel.stat().st_size
    return missing + strays + [f"{size} bytes, more than {LIMIT}"] * (size >= LIMIT)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    wrong = faults(path)
    if wrong:
        sys.exit(f"{path.name}: {'; '.join(wrong)}")
    sys.stdout.write(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB\n")
