"""Learning curves that are understood without the code: of one run, and a band over seeds."""

import dataclasses
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from lab.runs.paths import replacing

if TYPE_CHECKING:  # heavy, and needed only where a picture is drawn
    import numpy as np
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
        found = re.search(rf"^Expected: (\w+) (>=|<=) {NUMBER}(.*)$", docstring, re.MULTILINE)
        if found is None:
            return cls("", {})
        result, relation, expected, rest = found.groups()
        words = "at least" if relation == ">=" else "at most"
        lines = {f"expected: {words} {expected}": float(expected)}
        chance = re.search(rf"\b((?:at )?random)(?: [a-z]+)* {NUMBER}", rest)
        if chance:
            name = {"at random": "at random"}.get(chance[1], "random policy")
            lines[f"{name}: {chance[2]}"] = float(chance[2])
        return cls(result, lines)


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


def band(
    curves: Mapping[str, Points],
    path: Path,
    title: str,
    y_label: str,
    x_label: str,
    lines: Mapping[str, float] | None = None,
) -> None:
    """Writes `band_figure` as a PNG. At every moment the file is the old one or the new one."""
    with replacing(Path(path)) as beside:
        band_figure(curves, title, y_label, x_label, lines).savefig(beside, dpi=120)


def band_figure(
    curves: Mapping[str, Points], title: str, y_label: str, x_label: str, lines: Mapping[str, float] | None = None
) -> "Figure":
    """A figure of several seeds: their mean, its 95 % interval, and each seed as a thin line.

        mean ± t sd / sqrt(n), t the 97.5 % quantile of Student's t with n - 1 degrees of freedom

    Between two of its steps a curve is a straight line. The mean covers the steps that all curves
    cover.

    Args:
        curves: {name of the seed: (step, value) in the order of the steps}.
        lines: {label: value} of horizontal lines to compare with.
    """
    figure, axes = _empty(title, y_label, x_label)
    drawn = [points for points in curves.values() if len(points)]
    for number, points in enumerate(drawn):
        axes.plot(*_columns(points), color=BLUE, linewidth=0.6, alpha=0.4, label="" if number else "each seed")
    steps, values = on_common_steps(drawn)
    count = len(values)
    if count > 1 and len(steps):
        mean, half_width = mean_and_interval(values)
        axes.plot(steps, mean, color=BLUE, linewidth=1.8, label=f"mean of {count} seeds")
        axes.fill_between(
            steps, mean - half_width, mean + half_width, color=BLUE, alpha=0.2, linewidth=0, label="95 % interval"
        )
    _finish(figure, axes, lines)
    return figure


def on_common_steps(curves: Sequence[Points]) -> tuple["np.ndarray", "np.ndarray"]:
    """(steps `[T]`, values `[curves, T]`) of curves, interpolated where they all have values."""
    import numpy as np

    if not curves:
        return np.zeros(0), np.zeros((0, 0))
    pairs = [np.asarray(points, float).T for points in curves]
    low, high = max(x[0] for x, _ in pairs), min(x[-1] for x, _ in pairs)
    steps = np.unique(np.concatenate([x for x, _ in pairs]))
    steps = steps[(steps >= low) & (steps <= high)]
    return steps, np.array([np.interp(steps, x, y) for x, y in pairs])


def mean_and_interval(values: "np.ndarray") -> tuple["np.ndarray", "np.ndarray"]:
    """(mean, half the width of its 95 % interval) over the first axis of `[n, T]`, n > 1."""
    from scipy import stats

    return values.mean(axis=0), stats.t.ppf(0.975, len(values) - 1) * stats.sem(values, axis=0)


def _columns(points):
    return tuple(zip(*points, strict=True)) or ((), ())


def _empty(title, y_label, x_label):
    """(figure, axes), with thousands separators on the axis of the steps."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    figure = Figure(figsize=(7, 4.4), layout="constrained")
    axes: Axes = figure.subplots()
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.set_title(title, wrap=True)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(alpha=0.3)
    return figure, axes


def _finish(figure, axes, lines):
    """Draws the lines to compare with, and the legend below the axes, where it hides nothing."""
    for (name, value), style in zip((lines or {}).items(), STYLES * len(lines or {}), strict=False):
        axes.axhline(value, color=GREY, linestyle=style, linewidth=1.2, label=name)
    handles, _ = axes.get_legend_handles_labels()
    if len(handles) > 1:
        figure.legend(loc="outside lower center", ncols=2, fontsize=9, frameon=False)
