"""Learning curves that are understood without the code. `bands` has those of several seeds."""

import dataclasses
import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from lab.runs.about import About, Condition, conditions

if TYPE_CHECKING:  # heavy, and needed only where a picture is drawn
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Points: TypeAlias = Sequence[tuple[int, float]]  # (step, value)

NUMBER = r"(-?\d+(?:\.\d+)?(?:e-?\d+)?)"
PROBLEM = ("environment", "environment_options", "wrappers")  # settings that decide what a score means
# Colours that people with any colour vision can tell apart (Okabe and Ito 2008).
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "0.35"
STYLES = ("--", ":", "-.")


class Scores(NamedTuple):
    """The scores that the docstring of an experiment states."""

    result: str  # name of the expected result, or ""
    lines: dict[str, float]  # {"expected: at least 475": 475.0, "random policy: 22": 22.0}

    @classmethod
    def parse(cls, docstring: str) -> "Scores":
        """Reads the line `Expected: <result> >= <number> (..., random policy <number>)`."""
        expected = About.parse(docstring).expected
        first = next(iter(conditions(expected).values()), None)
        if first is None:
            return cls("", {})
        lines = {label(first): first.bound}
        chance = re.search(rf"\b((?:at )?random)(?: [a-z]+)* {NUMBER}", first.text)
        if chance:
            name = {"at random": "at random"}.get(chance[1], "random policy")
            lines[f"{name}: {chance[2]}"] = float(chance[2])
        return cls(first.name, lines)


def label(condition: Condition) -> str:
    """The label of a line at the bound of a condition, such as "expected: at least 475"."""
    return f"expected: {'at least' if condition.sign == '>=' else 'at most'} {condition.bound:g}"


def reference_lines(config: Any, *results: str) -> dict[str, float]:
    """{label: score} of the lines that belong in a curve: what is expected, and what chance gives.

    They are read from the docstring of the module that defines the class of `config`. There are
    none where the settings name another problem than that of the docstring.

    Args:
        config: the settings of a run, a dataclass.
        results: names of the results that are measured as the curve is. There are no lines where
            the docstring expects another result.
    """
    module = sys.modules.get(type(config).__module__)
    scores = Scores.parse(getattr(module, "__doc__", None) or "")
    usual = {field.name: field.default for field in dataclasses.fields(config)}
    same = all(getattr(config, name) == usual[name] for name in PROBLEM if name in usual)
    return scores.lines if same and scores.result in results else {}


def learning_curve(
    points: Points,
    *,
    title: str,
    y_label: str,
    x_label: str,
    lines: Mapping[str, float] | None = None,
    dots: Mapping[str, Points] | None = None,
) -> "Figure":
    """A figure of the values of one run over its steps.

    Args:
        points: (step, value) of the curve.
        lines: {label: value} of horizontal lines to compare with.
        dots: {label: points} of measurements that are drawn as dots.
    """
    figure, axes = _empty(title, y_label, x_label)
    marker = "o" if len(points) <= 12 else ""  # a few points make no visible line
    axes.plot(*_columns(points), color=BLUE, linewidth=1.5, marker=marker, markersize=3, label=y_label)
    for name, values in (dots or {}).items():
        axes.plot(*_columns(values), "o", color=ORANGE, markersize=4, label=name)
    if not len(points):
        axes.text(0.5, 0.5, "nothing was recorded", transform=axes.transAxes, ha="center", color=GREY)
    _finish(figure, axes, lines)
    return figure


def _columns(points):
    return tuple(zip(*points, strict=True)) or ((), ())


def _empty(title, y_label, x_label):
    """(figure, axes), with thousands separators on the axis of the steps."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.4), layout="constrained")
    axes: Axes = figure.subplots()
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.set_title(title, wrap=True)
    steps_in_words(axes, 8)
    return figure, axes


def steps_in_words(axes: "Axes", ticks: int) -> None:
    """Gives the axis of the steps whole numbers with thousands separators, and a grid."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    axes.xaxis.set_major_locator(MaxNLocator(ticks, integer=True, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(alpha=0.3)


def _finish(figure, axes, lines):
    """Draws the lines to compare with, and the legend below the axes, where it hides nothing."""
    for (name, value), style in zip((lines or {}).items(), STYLES * len(lines or {}), strict=False):
        axes.axhline(value, color=GREY, linestyle=style, linewidth=1.2, label=name)
    handles, _ = axes.get_legend_handles_labels()
    if len(handles) > 1:
        figure.legend(loc="outside lower center", ncols=2, fontsize=9, frameon=False)
