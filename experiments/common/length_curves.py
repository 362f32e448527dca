"""Errors over the length of a sequence, as a picture."""

from collections.abc import Mapping

from lab.runs.track import Track


def log_lengths(track: Track, rows: Mapping[str, Mapping[int, float]], *, trained: int, label: str) -> None:
    """Logs the error over the length of a sequence: lengths.png.

    Args:
        track: of the run.
        rows: {name: {length: wrong bits in %}}.
        trained: the greatest length in training.
        label: of the lengths.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, points in rows.items():
        axes.plot(list(points), list(points.values()), "o-", markersize=3, label=name)
    axes.axhline(50, color="0.6", linestyle="--", label="at random")
    axes.axvline(trained, color="0.8", linestyle=":", label="longest in training")
    axes.set(xlabel=label, ylabel="wrong bits, %", ylim=(-2, 55), title="Errors over the length of a sequence")
    axes.legend(fontsize=8, frameon=False)
    track.figure("lengths.png", figure)
