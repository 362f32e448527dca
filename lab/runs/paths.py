"""Where the laboratory and its runs lie, and how a file is replaced as a whole.

Every package may import this module.
"""

import contextlib
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]  # the folder of `lab`, `envs` and `experiments`
STARTED = ("experiments", "benchmarks", "lab")  # packages of the checkout whose modules a user starts


def home() -> Path:
    """The folder that holds `mlruns`.

    It is $LAB_HOME if that is set. Otherwise it depends on what was started:

    - an experiment of this checkout: the checkout;
    - an experiment of another package: the current folder;
    - a command of `python -m lab`: the current folder if `mlruns` is in it, else the checkout.
    """
    if os.environ.get("LAB_HOME"):
        path = Path(os.environ["LAB_HOME"]).resolve()
        return path.parent if path.name == "mlruns" else path  # a user may name `mlruns` itself
    main = Path(getattr(sys.modules["__main__"], "__file__", None) or "-").resolve()
    package = main.relative_to(CHECKOUT).parts[0] if main.is_relative_to(CHECKOUT) else ""
    if package not in STARTED or not (CHECKOUT / "pyproject.toml").exists():
        return Path.cwd()
    return Path.cwd() if package == "lab" and Path("mlruns").is_dir() else CHECKOUT


@contextlib.contextmanager
def replacing(path: Path, durable: bool = False) -> Iterator[Path]:
    """Replaces a file as a whole. Yields a path beside it, with the same suffix, to write to.

    When the block ends, the new file takes the place of the old one. When it fails, the old file
    stays and the new one is deleted. A killed process leaves the old file and a part of the new
    one; the next write replaces that part.

    Args:
        durable: flushes the new file to the disk before it takes the place of the old one, so that
            a power failure leaves one of the two.
    """
    beside = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        yield beside
        if durable:
            with open(beside, "rb") as file:
                os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


def require_ours(*packages: str) -> None:
    """Checks that no folder of the user hides a package of the laboratory.

    Raises:
        ValueError: Python finds another package of this name first.
    """
    for name in packages:
        found = find_module(name)
        if found is not None and found.parent.parent != CHECKOUT:
            raise ValueError(
                f"{name}: expected the laboratory's package in {CHECKOUT / name}, received {found.parent}, which hides it; "
                "start from another folder or rename yours"
            )


def find_module(module: str) -> Path | None:
    """The file of a module or None. Finds it without an import of its packages."""
    top, *parts = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # not a name, or __main__
        return None
    for part in parts:
        places = list(spec.submodule_search_locations or ()) if spec else []
        spec = importlib.machinery.PathFinder.find_spec(part, places)
    if spec is None:
        return None
    if spec.has_location and spec.origin:
        return Path(spec.origin).resolve()
    places = list(spec.submodule_search_locations or ())
    return Path(places[0]).resolve() / "__init__.py" if places else None  # a package without __init__.py
