"""The events of a journal: what can be logged, and how an event becomes a line and is read back.

A line is the event as JSON. Its last key is `crc`: the CRC-32 of the JSON without this key. Lines
of older versions have no `crc`.
"""

import json
import operator
import posixpath
import re
import zlib
from typing import Any

from lab.errors import EventError

NAME = re.compile(r"[\w .:/-]{1,250}")  # MLflow's rule
NOT_IN_NAMES = re.compile(r"[^\w .:-]")
CHECKED = re.compile(rb'(.*), "crc": (\d{1,10})\}\n', re.DOTALL)


def require_name(name: Any) -> None:
    """Raises an `EventError` unless MLflow accepts this as the name of a metric or a tag."""
    taken = isinstance(name, str) and NAME.fullmatch(name) and posixpath.normpath(name) == name
    if not taken or name == "." or name.startswith(("..", "/")):
        rule = "1 to 250 letters, digits, blanks and _ - . : /, with / only between parts"
        raise EventError(f"name of a metric or tag: expected {rule}, received {name!r}")


def number(name: str, value: Any) -> float:
    """The value of a metric as a float: a number of Python or NumPy, or a tensor of one number."""
    require_name(name)
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise EventError(f"metric {name!r}: expected a number, received {value!r}") from error


def whole(step: Any) -> int:
    """The step of an event as an int: an integer of Python or NumPy, or a tensor of one integer."""
    try:
        index = operator.index(step)
    except TypeError:
        index = None
    if index is None or not -(2**63) <= index < 2**63:
        raise EventError(f"step: expected an integer of 64 bits, received {step!r}")
    return index


def encode(event: dict[str, Any]) -> bytes:
    """The line of an event."""
    text = json.dumps(event, default=plain).encode()
    return text[:-1] + f', "crc": {zlib.crc32(text)}}}\n'.encode()


def decode(line: bytes) -> dict[str, Any] | None:
    """The event of a line, or None if the line is damaged."""
    checked = CHECKED.fullmatch(line)
    try:
        if checked is None:
            return _shaped(json.loads(line))
        text = checked[1] + b"}"
        return json.loads(text) if zlib.crc32(text) == int(checked[2]) else None
    except (ValueError, RecursionError):
        return None


def _shaped(event):
    """What was read from a line without a checksum, or None if it is not an event."""
    if not isinstance(event, dict) or not isinstance(event.get("metrics", {}), dict):
        return None
    numbers = all(isinstance(value, int | float) for value in event.get("metrics", {}).values())
    return event if numbers and ("metrics" not in event or isinstance(event.get("step"), int)) else None


def plain(value: Any) -> Any:
    """For `json.dumps`: NumPy scalars and arrays as Python numbers and lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise EventError(f"event: expected text, numbers, lists and dicts, received {value!r}")
