"""The figure of a comparison: learning curves, performance profiles, interquartile means."""

import math
from typing import TYPE_CHECKING

from lab.runs import bands, curves
from lab.runs.comparison_report import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lab.runs.comparison import Comparison

COLUMNS = 3
LONGEST = 44  # characters of a label
DASHES = ("-", "--", ":")


def draw(found: "Comparison") -> "Figure":
    """A panel with the curves of each task, one of the profiles, one of interquartile means."""
    from matplotlib.figure import Figure

    tasks = found.tasks if found.curve else []
    count = len(tasks) + 2
    columns = min(count, COLUMNS)
    rows = -(-count // columns)
    figure = Figure(figsize=(4.4 * columns, 3.4 * rows + 0.25 * len(found.groups)), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[count:]:
        axes.axis("off")
    for axes, task in zip(panels, tasks):
        _curves(axes, found, task)
    _profiles(panels[len(tasks)], found)
    _middles(panels[len(tasks) + 1], found)
    lines = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels())}
    figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    return figure


def _styles(found):
    """(label, style of its lines) of each group."""
    size = len(bands.COLOURS)
    for place, group in enumerate(found.groups):
        label = group.label if len(group.label) <= LONGEST else f"{group.label[: LONGEST - 1]}…"
        yield group.label, label, {"color": bands.COLOURS[place % size], "linestyle": DASHES[place // size % len(DASHES)]}


def _curves(axes, found, task):
    for group, label, style in _styles(found):
        each = bands.band(found.curves[group][task])
        if each is None:
            continue
        axes.plot(each.steps, each.mean, linewidth=1.5, label=label, **style)
        if each.low is not None:
            axes.fill_between(each.steps, each.low, each.high, color=style["color"], alpha=0.2, linewidth=0)
    if task in found.thresholds:
        axes.axhline(found.thresholds[task], color=curves.GREY, linestyle="--", linewidth=1, label="threshold")
    axes.set(title=task, xlabel="step", ylabel=f"{found.curve}, mean")
    curves.steps_in_words(axes, 4)


def _profiles(axes, found):
    for group, label, style in _styles(found):
        rows = [row for row in found.rows if (row.group, row.statistic) == (group, "performance profile")]
        taus, values = [row.at for row in rows], [row.value for row in rows]
        axes.step(taus, values, where="mid", linewidth=1.5, label=label, **style)
        if not math.isnan(rows[0].low):
            low, high = [row.low for row in rows], [row.high for row in rows]
            axes.fill_between(taus, low, high, step="mid", color=style["color"], alpha=0.2, linewidth=0)
    scale, sign = "normalised score" if found.normalized else found.metric, "<" if _falls(found) else ">"
    axes.set(title="performance profile", xlabel=f"{scale}, τ", ylabel=f"share of runs with score {sign} τ", ylim=(-0.02, 1.02))
    axes.grid(alpha=0.3)


def _falls(found):
    return found.minimize and not found.normalized


def _middles(axes, found):
    """Interquartile means with their intervals, the first group at the top."""
    styles = [*_styles(found)]
    for place, (group, _, style) in enumerate(styles):
        rows = [row for row in found.rows if (row.group, row.statistic) == (group, "interquartile mean")]
        row = rows[-1]  # of all tasks, if there are several
        if not math.isnan(row.low):
            axes.barh(place, row.high - row.low, 0.5, left=row.low, color=style["color"], alpha=0.35)
        axes.plot(row.value, place, "|", color=style["color"], markersize=16, markeredgewidth=2.5)
        axes.annotate(number(row.value), (row.value, place), (0, 14), textcoords="offset points", ha="center", fontsize=8)
    axes.set(title="interquartile mean, 95 % interval", xlabel="normalised score" if found.normalized else found.metric)
    axes.set(yticks=[], ylim=(len(styles) - 0.4, -0.7))
    axes.use_sticky_edges = False  # else the least end of an interval is at the frame
    axes.autoscale_view(scaley=False)
    axes.locator_params(axis="x", nbins=5)
    axes.grid(alpha=0.3, axis="x")
