"""Where the laboratory and its runs lie, and how a file is replaced whole. Every room may import this."""

import contextlib
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]  # the folder that `lab`, `envs` and `experiments` lie in
STARTED = ("experiments", "benchmarks", "lab")  # packages of the checkout whose modules are started


def home() -> Path:
    """The folder that holds `mlruns`.

    It is $LAB_HOME. Without that, experiments of this checkout use the checkout, and those of other packages the current
    folder. The commands of `python -m lab` use the current folder where it has `mlruns`, else the checkout.
    """
    if os.environ.get("LAB_HOME"):
        path = Path(os.environ["LAB_HOME"]).resolve()
        return path.parent if path.name == "mlruns" else path  # who names the folder itself means its place
    main = Path(getattr(sys.modules["__main__"], "__file__", None) or "-").resolve()
    room = main.relative_to(CHECKOUT).parts[0] if main.is_relative_to(CHECKOUT) else ""
    if room not in STARTED or not (CHECKOUT / "pyproject.toml").exists():
        return Path.cwd()
    return Path.cwd() if room == "lab" and Path("mlruns").is_dir() else CHECKOUT


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside, of the same ending, which takes this one's place when it is written. A process that is killed leaves the old file."""
    temporary = path.with_name(f".{path.stem}.partial{path.suffix}")
    yield temporary
    temporary.replace(path)


def require_ours(*packages):
    """A ValueError where a folder of the user's, of the same name, stands before a package of the laboratory."""
    for name in packages:
        found = find_module(name)
        if found is not None and found.parent.parent != CHECKOUT:
            raise ValueError(
                f"{name}: expected the laboratory's package in {CHECKOUT / name}, received {found.parent}, which hides it; "
                "start from another folder or rename yours"
            )


def find_module(module: str) -> Path | None:
    """The file of a module, found without importing anything on the way, or None."""
    top, *parts = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # no name, or __main__
        return None
    for part in parts:
        places = list(spec.submodule_search_locations or ()) if spec else []
        spec = importlib.machinery.PathFinder.find_spec(part, places)
    if spec is None:
        return None
    if spec.has_location and spec.origin:
        return Path(spec.origin).resolve()
    places = list(spec.submodule_search_locations or ())
    return Path(places[0]).resolve() / "__init__.py" if places else None  # a folder without one is a package too
