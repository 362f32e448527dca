"""Files of one JSON object a line. A measurement that is stopped keeps all its whole lines."""

import contextlib
import json
from pathlib import Path
from typing import Any


def read(path: Path) -> list[dict[str, Any]]:
    """The objects of a file, which may not exist. A line that was cut is passed over."""
    rows = []
    for line in path.read_text().splitlines() if path.exists() else ():
        with contextlib.suppress(json.JSONDecodeError):
            rows.append(json.loads(line))
    return rows


def append(path: Path, row: dict[str, Any]) -> None:
    """Adds an object, on a line of its own even where the last line was cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+") as file:
        file.seek(0)
        whole = file.read()[-1:] in ("\n", "")
        file.write("\n" * (not whole) + json.dumps(row) + "\n")
