"""How the gallery is built: what runs, in which order, and with which pictures."""

from pathlib import Path

import matplotlib as mpl

READING_ORDER = (
    "acquisition",
    "modelling",
    "jacobian",
    "migration_operator",
    "generators",
    "networks",
    "misfits",
    "files",
    "learned_inversion",
    "hybrid",
    "multiscale_fwi",
    "regularised_fwi",
    "lsm",
    "low_frequencies",
    "salt_not_in_training",
    "trust",
    "training",
    "augmentation",
    "adversarial",
    "label_free",
    "uncertainty",
    "mpi",
    "fwi_and_network",
    "vgg_to_fcnvmb",
)
"""Pages, without ``plot_``, in the order of the indexes: first one inverts, then one trains.
Those not named follow by name."""

WHAT_RUNS = {"all": "plot_", "fast": "examples/plot_", "none": "nothing_runs"}
"""Values of ``VMB_GALLERY``, and the pattern of the scripts that run; the others are rendered."""


def pattern(choice: str) -> str:
    """Return the pattern of the scripts that run.

    Raises
    ------
    ValueError
        If the choice is unknown.
    """
    if choice not in WHAT_RUNS:
        raise ValueError(f"VMB_GALLERY must be one of {', '.join(WHAT_RUNS)}, got {choice!r}")
    return "/" + WHAT_RUNS[choice]


def reading_order(file: str) -> tuple[int, str]:
    """Return the sort key of a page."""
    name = Path(file).stem.removeprefix("plot_")
    place = READING_ORDER.index(name) if name in READING_ORDER else len(READING_ORDER)
    return place, name


def reset_pictures(_config: dict[str, object], _file: str) -> None:
    """Give every page matplotlib's own settings, whatever the page before or a user's file set."""
    mpl.rcdefaults()
    mpl.use("agg")
    mpl.rcParams["figure.dpi"] = 100
