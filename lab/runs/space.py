"""The settings that a sweep tries: words such as `learning_rate=log:1e-4:1e-2` become a space.

    field=VALUE            the same in every trial
    field=A,B,C            a list: one of these values
    field=LOW:HIGH         a range, its ends included; whole numbers where the field is one
    field=LOW:HIGH:STEP    a range of LOW, LOW + STEP, ...
    field=log:LOW:HIGH     a range in which the logarithm is drawn evenly

A value of several numbers has blanks between them: `"hidden=64 64,128 128"`. Every end and every
value is read and checked by the experiment's `Config`, like a flag of its command line.
"""

import dataclasses
import itertools
import math
import types
import typing
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

from lab import validation
from lab.runs import command_line

Setting: TypeAlias = "float | int | bool | str"


class Choices(NamedTuple):
    """A list of values."""

    values: tuple[Any, ...]

    def value(self, setting: Setting) -> Any:
        """The value of the field of what a study keeps."""
        return next(each for each in self.values if kept(each) == setting)

    def distance(self, one: Setting, other: Setting) -> float:
        """1 if two values differ, else 0."""
        return float(one != other)

    def __contains__(self, value: Any) -> bool:
        return any(each == value for each in self.values)

    def points(self) -> tuple[Any, ...] | None:
        """All values, None if there is no end to them."""
        return self.values


class Range(NamedTuple):
    """An interval of numbers."""

    low: float
    high: float
    whole: bool
    log: bool
    step: float | None

    def value(self, setting: Setting) -> Any:
        """The value of the field of what a study keeps."""
        return int(setting) if self.whole else float(setting)

    def distance(self, one: Setting, other: Setting) -> float:
        """How far apart two values are, as a share of the range."""
        scale = math.log if self.log else float
        return abs(scale(float(one)) - scale(float(other))) / (scale(self.high) - scale(self.low))

    def __contains__(self, value: Any) -> bool:
        numeric = isinstance(value, int | float) and not isinstance(value, bool)
        return numeric and self.low <= value <= self.high and (self.step is None or value in (self.points() or ()))

    def points(self) -> tuple[Any, ...] | None:
        """All values, None if there is no end to them."""
        if self.step is None:
            return None
        low, high, step = (Decimal(str(each)) for each in (self.low, self.high, self.step))  # 0.05 + 9 * 0.1 is 0.95
        return tuple(self.value(float(low + place * step)) for place in range(int((high - low) / step) + 1))


Dimension: TypeAlias = Choices | Range


class Space(NamedTuple):
    """What a sweep tries."""

    config: Any  # the settings that are the same in all trials
    dimensions: dict[str, Dimension]

    def configured(self, settings: Mapping[str, Setting]) -> Any:
        """The configuration of a trial.

        Raises:
            ValueError: the `Config` refuses these settings together.
        """
        config = dataclasses.replace(self.config, **{name: self.dimensions[name].value(x) for name, x in settings.items()})
        validation.check_fields(config)
        return config

    def usual(self) -> dict[str, Setting] | None:
        """The experiment's own settings, None if one of them is not in the space."""
        found = {name: getattr(self.config, name) for name in self.dimensions}
        inside = all(value in self.dimensions[name] for name, value in found.items())
        return {name: kept(value) for name, value in found.items()} if inside else None

    def grid(self) -> list[dict[str, Setting]]:
        """All points of the space, the last dimension changing first.

        Raises:
            ValueError: a range has no step.
        """
        for name, each in self.dimensions.items():
            if isinstance(each, Range) and each.step is None:
                raise ValueError(f"{name}: expected a list, or LOW:HIGH:STEP, for a grid, received {each.low:g}:{each.high:g}")
        points = [[kept(value) for value in each.points() or ()] for each in self.dimensions.values()]
        return [dict(zip(self.dimensions, point)) for point in itertools.product(*points)]


def kept(value: Any) -> Setting:
    """A value as a study keeps it: several numbers as one text."""
    return " ".join(map(str, value)) if isinstance(value, tuple | list) else value


def parse(words: Sequence[str], config: Any) -> Space:
    """The space of some words.

    Args:
        config: the experiment's own settings.

    Raises:
        ValueError: a word, a field or a value is bad, or nothing is left to be tried.
    """
    names = [field.name for field in dataclasses.fields(config)]
    texts: dict[str, str] = {}
    for word in words:
        name, found, text = word.partition("=")
        if not found or not text:
            raise ValueError(f"settings: expected field=VALUE, field=A,B or field=LOW:HIGH, received {validation.shown(word)}")
        name = name.replace("-", "_")
        validation.require_name("field", name, names)
        if name in texts:
            raise ValueError(f"{name}: expected one value, list or range, received {texts[name]} and {text}")
        texts[name] = text
    if "auto" in texts.get("precision", "").split(","):
        raise ValueError("precision: expected float32 or mixed_bfloat16 in a sweep, the same on each machine, received auto")
    fixed = {name: text for name, text in texts.items() if not _is_range(config, name, text) and "," not in text}
    config = dataclasses.replace(config, **{name: _value(config, name, text) for name, text in fixed.items()})
    dimensions = {name: _dimension(config, name, text) for name, text in texts.items() if name not in fixed}
    if not dimensions:
        raise ValueError(
            "settings: expected a list or a range to try, such as learning_rate=log:1e-4:1e-2, "
            f"received {' '.join(words) or 'none'}"
        )
    return Space(config, dimensions)


def _kinds(config, name):
    """The types that a field may have."""
    hint = typing.get_type_hints(type(config))[name]
    several = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if several else (hint,)


def _is_range(config, name, text):
    numeric = {int, float} & set(_kinds(config, name))
    return bool(numeric) and ":" in text


def _dimension(config, name, text):
    if not _is_range(config, name, text):
        values = tuple(_value(config, name, part.strip()) for part in text.split(","))
        if len(set(map(repr, values))) < len(values):
            raise ValueError(f"{name}: expected values that differ, received {text}")
        return Choices(values)
    log, parts = text.startswith("log:"), text.removeprefix("log:").split(":")
    if len(parts) not in ((2,) if log else (2, 3)):
        raise ValueError(f"{name}: expected LOW:HIGH, LOW:HIGH:STEP or log:LOW:HIGH, received {text}")
    low, high = (_value(config, name, part) for part in parts[:2])
    step = _number(name, parts[2]) if len(parts) == 3 else None
    whole = float not in _kinds(config, name)
    if not low < high or (log and low <= 0):
        raise ValueError(f"{name}: expected LOW < HIGH{', both above 0 for log' * log}, received {text}")
    if step is not None and (not 0 < step <= high - low or (whole and step != int(step))):
        kind = "a whole step" if whole else "a step"
        raise ValueError(f"{name}: expected {kind} above 0 and at most {high - low:g}, received {parts[2]}")
    return Range(low, high, whole, log, int(step) if whole and step is not None else step)


def _number(name, text):
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name}: expected a number as the step, received {text}") from None


def _value(config, name, text):
    """The value of a field, as the command line reads it."""
    value: Any = text.split()
    if bool in _kinds(config, name):
        if text not in ("true", "false"):
            raise ValueError(f"{name}: expected true or false, received {text}")
        value = text == "true"
    return getattr(command_line.parse("settings", "", command_line.words_of(name, value), config)[0], name)
