"""The mean curve of several seeds, with its 95 % interval, as metrics and a picture of the parent.

The curves of the seeds are interpolated at common steps. At each step, with n seeds, their mean m
and the 95 % interval of `lab.runs.intervals`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from lab.runs import curves
from lab.runs.about import Condition, conditions
from lab.runs.intervals import half_width
from lab.runs.progress import SHOWN
from lab.runs.track import Track

if TYPE_CHECKING:
    import numpy as np

POINTS = 200  # steps of a curve on the parent
PANELS = 6  # curves in the picture
# Colours that people with any colour vision can tell apart (Okabe and Ito 2008).
COLOURS = (curves.BLUE, curves.ORANGE, "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
RETURNS = ("episode_return", "check_return")
SPEED = "_per_second"  # such metrics describe the machine

Points = Sequence[tuple[int, float]]  # (step, value) in ascending order of the steps
History = Mapping[str, Points]  # {metric: its points}, of one run


class Band(NamedTuple):
    """The mean curve of n seeds at T common steps, and its 95 % interval."""

    steps: "np.ndarray"  # [T] int
    mean: "np.ndarray"  # [T]
    low: "np.ndarray | None"  # [T], None for one seed
    high: "np.ndarray | None"  # [T], None for one seed


Found = Mapping[str, Mapping[str, Band]]  # {label of a variant, or "": {metric: its band}}


def band(curves: Sequence[Points], points: int = POINTS) -> Band | None:
    """The `Band` of the curves of several seeds, None if they have no two steps in common.

    The steps are those of all curves, from where the last one begins to where the first one ends.
    More than `points` steps are thinned evenly. Values that are not finite are left out.
    """
    import numpy as np

    finite = [np.array([point for point in curve if np.isfinite(point[1])], np.float64).reshape(-1, 2) for curve in curves]
    if not finite or min(map(len, finite)) < 2:
        return None
    steps = np.unique(np.concatenate([curve[:, 0] for curve in finite]))
    steps = steps[(steps >= max(curve[0, 0] for curve in finite)) & (steps <= min(curve[-1, 0] for curve in finite))]
    if len(steps) < 2:
        return None
    steps = steps[np.unique(np.linspace(0, len(steps) - 1, min(points, len(steps))).round().astype(int))]
    values = np.array([np.interp(steps, curve[:, 0], curve[:, 1]) for curve in finite])  # [n, T]
    mean, count = values.mean(axis=0), len(values)
    if count == 1:
        return Band(steps.astype(np.int64), mean, None, None)
    half = half_width(values)
    return Band(steps.astype(np.int64), mean, mean - half, mean + half)


def of_histories(histories: Sequence[History]) -> dict[str, Band]:
    """{metric: its `Band`} of the metrics that all seeds have, without measures of speed."""
    shared = set(histories[0]).intersection(*histories[1:]) if histories else set()
    found = {name: band([history[name] for history in histories]) for name in sorted(shared) if not name.endswith(SPEED)}
    return {name: each for name, each in found.items() if each is not None}


def last_step(found: Found) -> int:
    """The last step of all bands, 0 if there are none."""
    return max((int(each.steps[-1]) for bands in found.values() for each in bands.values()), default=0)


def log(track: Track, write: Callable[[dict[str, float], int], None], found: Found, expected: str = "") -> None:
    """Logs the bands to the parent of the seeds, and draws them as band.png.

    The metrics are named `<metric>`, `<metric>_low` and `<metric>_high`, with `_<label>` after the
    metric where there are variants. Without two seeds there is no picture.

    Args:
        track: of the parent.
        write: function (metrics, step), logs metrics of the parent.
        found: {label of a variant, or "": {metric: its band}}.
        expected: what the experiment promises; its metrics are drawn first.
    """
    rows: dict[int, dict[str, float]] = {}
    for label, bands in found.items():
        for name, each in bands.items():
            key = f"{name}_{label}" if label else name
            for column, values in ((key, each.mean), (f"{key}_low", each.low), (f"{key}_high", each.high)):
                for step, value in zip(each.steps, () if values is None else values):
                    rows.setdefault(int(step), {})[column] = float(value)
    for step in sorted(rows):
        write(rows[step], step)
    if any(each.low is not None for bands in found.values() for each in bands.values()):
        draw(track, found, _first(found, expected), conditions(expected))


def _first(found, expected):
    """The names of the metrics to draw: what is expected, what the progress shows, the others.

    A metric that never changes and is the same for all seeds comes last.
    """
    wanted = [*conditions(expected), *RETURNS, "greedy_return", *SHOWN, "policy_loss", "value_loss", "entropy"]
    names = sorted({name for bands in found.values() for name in bands}, key=lambda name: (_is_constant(found, name), name))
    return sorted(names, key=lambda name: wanted.index(name) if name in wanted else len(wanted))[:PANELS]


def _is_constant(found, name):
    of_all = [bands[name] for bands in found.values() if name in bands]
    return all(float(each.mean.max()) == float(each.mean.min()) and each.low is not None for each in of_all) and all(
        float(each.low[0]) == float(each.high[0]) for each in of_all
    )


def draw(track: Track, found: Found, names: Sequence[str], expected: Mapping[str, Condition]) -> None:
    """Draws the bands of some metrics as band.png: a panel for each, a colour for each label.

    A metric of which the experiment promises something has a line there.
    """
    from matplotlib.figure import Figure

    columns = min(len(names), 3)
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(4.2 * columns, 3 * rows + 0.7), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(names) :]:
        axes.axis("off")
    for axes, name in zip(panels, names):
        for place, (label, bands) in enumerate(found.items()):
            if name in bands:
                _draw_one(axes, bands[name], label or "mean of the seeds", COLOURS[place % len(COLOURS)])
        if promised := _promised(name, expected):
            axes.axhline(promised.bound, color=curves.GREY, linestyle="--", label=curves.label(promised))
        axes.set(title=name.replace("_", " "), xlabel="step")
        curves.steps_in_words(axes, 4)
    lines = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels())}
    figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=3, fontsize=9, frameon=False)
    figure.suptitle(f"Mean and 95 % interval over the seeds: {track.folder.name}", fontsize=10)
    track.figure("band.png", figure)


def _promised(name, expected):
    """What the experiment promises of a metric. A promise of the final return is one of returns."""
    final = [condition for result, condition in expected.items() if result.endswith("greedy_return")]
    return expected.get(name) or (final[0] if final and name in RETURNS else None)


def _draw_one(axes, each, label, color):
    axes.plot(each.steps, each.mean, color=color, linewidth=1.5, label=label)
    if each.low is not None:
        axes.fill_between(each.steps, each.low, each.high, color=color, alpha=0.2, linewidth=0)
