"""Forecasting the chaotic Mackey-Glass series, one step and 84 steps ahead.

Expected: error_84 <= 0.3 (0.094 ± 0.056, 5 seeds; a linear autoregression 0.66)
Time: about 3 minutes of one core
Source: Mackey and Glass 1977; Jaeger and Haas 2004 for the error after 84 steps.

The error is the root of the mean squared error over the variance. Forecasts of 84 steps are made
step by step from forecasts. The autoregression, for comparison, is least squares over the same
window.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from experiments.common import supervised
from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import CELLS, Interval, require_name

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Config(supervised.Supervised):
    """Settings of the forecast."""

    unused: ClassVar = ("mixup", "label_smoothing", "patience", "precision", *supervised.OF_IMAGES)
    cell: str = "gru"
    """A recurrent cell of `lab.validation.CELLS`."""
    units: Annotated[int, Interval(1, 10**5)] = 64
    """Units of the recurrent layer."""
    window: Annotated[int, Interval(1, 10**5)] = 40
    """Values from which a forecast is made."""
    horizon: Annotated[int, Interval(2, 10**5)] = 84
    """Steps of the longer forecast, each made from the ones before."""
    delay: Annotated[float, Interval(5, 1000)] = 17.0
    """Of the equation. Below about 4.5 the series comes to rest at 1, above it oscillates, and from
    about 17 on it is chaotic."""
    samples: Annotated[int, Interval(1, 10**9)] = 8_000
    """Values to train on."""
    test_samples: Annotated[int, Interval(1, 10**8)] = 2_000
    """Values to test on, which come after them."""
    epochs: int = 60
    learning_rate: float = 3e-3
    clip_norm: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_name("--cell", self.cell, CELLS)
        validation.require(self.steps_per_epoch >= 1, "samples", f"at least {self.window + self.batch_size}", self.samples)
        least = self.window + self.horizon + 1
        validation.require(self.test_samples >= least, "test_samples", f"at least {least}", self.test_samples)
        validation.require(round(self.delay * 10) == self.delay * 10, "delay", "a multiple of 0.1", self.delay)

    @property
    def steps_per_epoch(self) -> int:
        """Updates in an epoch."""
        return (self.samples - self.window) // self.batch_size

    @property
    def total_steps(self) -> int:
        """Windows seen in the whole run."""
        return self.epochs * self.steps_per_epoch * self.batch_size

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return [
            # The series is solved in tenths of a step, in lists of Python's numbers.
            memory.Need("series", 800 * (self.samples + self.test_samples), "--samples, --test-samples"),
            memory.Need("windows", 8 * self.window * (self.samples + self.test_samples), "--window, --samples"),
            memory.Need("forecasts", 8 * self.horizon * self.test_samples, "--horizon, --test-samples"),
            memory.Need("recurrent layer", memory.dense(self.units + 1, 4 * self.units), "--units"),
        ]


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains the network, fits the autoregression, and tests the forecasts of both."""
    import numpy as np

    from lab import engine
    from lab.data import mackey_glass, windows
    from lab.models import sequence_network
    from lab.supervised import Training

    network, order, start = supervised.seeds(track, 3)
    first = float(np.random.default_rng(start).uniform(0.5, 1.5))
    series = mackey_glass(config.samples + config.test_samples, delay=config.delay, start=first)
    mean, standard_deviation = series[: config.samples].mean(), series[: config.samples].std()
    series = (series - mean) / standard_deviation
    known, later = series[: config.samples], series[config.samples :]
    x, y = windows(known, config.window)
    model = sequence_network(config.cell, 1, features=1, units=config.units, seed=network)
    training = Training(model, config, steps_per_epoch=config.steps_per_epoch, seed=order)
    supervised.fit(track, training, x, y)
    track.model(model)
    track.curve(
        "loss",
        label="mean squared error of one step, in variances",
        x_label="windows seen",
        title=f"Mackey-Glass series: training loss of a network of {config.cell} cells",
    )

    weights = np.linalg.lstsq(np.column_stack([x[..., 0], np.ones(len(x))]), y[:, 0], rcond=None)[0]
    network_forecast = engine.compile(lambda x: model(x, training=False), model.variables)
    forecasters = {
        "": lambda x: np.asarray(network_forecast(x))[:, 0],
        "linear_": lambda x: x[..., 0] @ weights[:-1].astype("float32") + weights[-1],
    }
    results: dict[str, float] = {}
    shown = {}
    for name, forecast in forecasters.items():
        ahead = iterated(forecast, later, config.window, config.horizon)
        truth = np.lib.stride_tricks.sliding_window_view(later[config.window :], config.horizon)[: len(ahead)]
        spread = later.std()
        results[f"{name}error_1"] = float(np.sqrt(np.mean((ahead[:, 0] - truth[:, 0]) ** 2)) / spread)
        results[f"{name}error_{config.horizon}"] = float(np.sqrt(np.mean((ahead[:, -1] - truth[:, -1]) ** 2)) / spread)
        shown[name or config.cell] = ahead[0]
    picture(track.artifacts / "forecast.png", truth[0], shown)
    track.artifact("forecast.png")
    return results


def iterated(forecast: "Callable[[np.ndarray], np.ndarray]", series: "np.ndarray", window: int, horizon: int) -> "np.ndarray":
    """Forecasts `[N, horizon]` from every window of a series.

    After each step the window moves on by one: the forecast becomes its last value.

    Args:
        forecast: function, windows `[N, window, 1]` -> next values `[N]`.
        series: `[T]`. N = T - window - horizon + 1.
    """
    import numpy as np

    count = len(series) - window - horizon + 1
    seen = np.lib.stride_tricks.sliding_window_view(series.astype("float32"), window)[:count].copy()
    steps = []
    for _ in range(horizon):
        steps.append(forecast(seen[..., None]))
        seen = np.concatenate([seen[:, 1:], steps[-1][:, None]], axis=1).astype("float32")
    return np.stack(steps, axis=1)


def picture(path: Path, truth: "np.ndarray", forecasts: "dict[str, np.ndarray]") -> None:
    """Draws the series and the forecasts from one window, `[horizon]` each."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.plot(range(1, len(truth) + 1), truth, color="black", linewidth=2, label="the series")
    for name, values in forecasts.items():
        axes.plot(range(1, len(values) + 1), values, label=f"{name.strip('_')} forecast")
    low, high = truth.min(), truth.max()
    axes.set(xlabel="steps ahead", ylabel="x, in standard deviations", ylim=(low - 1, high + 1))
    axes.set_title("Mackey-Glass series: forecasts that feed on themselves, from one window")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    smoke = {"units": 8, "window": 10, "horizon": 5, "samples": 400, "test_samples": 100, "epochs": 2}
    experiment.main(Config, run, smoke=smoke)
