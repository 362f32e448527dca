"""Forecasting the chaotic Mackey-Glass series one and 84 steps ahead, beside a linear autoregression.

Expected: error_84 <= 0.3 (root of the squared error over the variance, iterated 84 steps; 0.094 ± 0.056, 5 seeds; the autoregression 0.66)
Time: about 3 minutes of one core
Source: Mackey and Glass 1977; Jaeger and Haas 2004 for the error after 84 steps; the autoregression is least squares over the same window.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from experiments.common import supervised
from lab import validation
from lab.runs import experiment, memory
from lab.validation import CELLS, Interval, require_name


@dataclass(frozen=True)
class Config(supervised.Supervised):
    """Settings of the forecast."""

    unused: ClassVar = ("mixup", "label_smoothing", "patience", *supervised.OF_IMAGES)
    cell: str = "gru"
    """A recurrent cell of `lab.validation.CELLS`."""
    units: Annotated[int, Interval(1, 10**5)] = 64
    """Units of the recurrent layer."""
    window: Annotated[int, Interval(1, 10**5)] = 40
    """Values that a forecast is made from."""
    horizon: Annotated[int, Interval(2, 10**5)] = 84
    """Steps that the longer forecast looks ahead, each made from the ones before."""
    delay: Annotated[float, Interval(5, 1000)] = 17.0
    """Of the equation, which comes to rest at 1 with delays below about 4.5, oscillates with more and is chaotic from about 17 on."""
    samples: Annotated[int, Interval(1, 10**9)] = 8_000
    """Values to train on."""
    test_samples: Annotated[int, Interval(1, 10**8)] = 2_000
    """Values, later ones, to test on."""
    epochs: int = 60
    learning_rate: float = 3e-3
    clip_norm: float = 1.0

    def __post_init__(self):
        super().__post_init__()
        require_name("--cell", self.cell, CELLS)
        validation.require(self.steps_per_epoch >= 1, "samples", f"at least {self.window + self.batch_size}", self.samples)
        least = self.window + self.horizon + 1
        validation.require(self.test_samples >= least, "test_samples", f"at least {least}", self.test_samples)
        validation.require(round(self.delay * 10) == self.delay * 10, "delay", "a multiple of 0.1", self.delay)

    @property
    def steps_per_epoch(self):
        """Updates in an epoch."""
        return (self.samples - self.window) // self.batch_size

    @property
    def total_steps(self):
        """Windows seen in the whole run."""
        return self.epochs * self.steps_per_epoch * self.batch_size

    def memory(self):
        """What the run holds."""
        return [
            # The series is solved in tenths of a step, in lists of Python's numbers.
            memory.Need("series", 800 * (self.samples + self.test_samples), "--samples, --test-samples"),
            memory.Need("windows", 8 * self.window * (self.samples + self.test_samples), "--window, --samples"),
            memory.Need("forecasts", 8 * self.horizon * self.test_samples, "--horizon, --test-samples"),
            memory.Need("recurrent layer", memory.dense(self.units + 1, 4 * self.units), "--units"),
        ]


def run(config, track):
    """Trains the network, fits the autoregression, and lets both forecast."""
    import numpy as np

    from lab import engine
    from lab.data import mackey_glass, windows
    from lab.models import sequence_network
    from lab.supervised import Training

    network, order, start = supervised.seeds(track, 3)
    first = float(np.random.default_rng(start).uniform(0.5, 1.5))
    series = mackey_glass(config.samples + config.test_samples, delay=config.delay, start=first)
    mean, deviation = series[: config.samples].mean(), series[: config.samples].std()
    series = (series - mean) / deviation
    known, later = series[: config.samples], series[config.samples :]
    x, y = windows(known, config.window)
    model = sequence_network(config.cell, 1, features=1, units=config.units, seed=network)
    training = Training(model, config, steps=config.steps_per_epoch, seed=order)
    supervised.fit(track, training, x, y)
    track.model(model)
    track.curve("loss", label="mean squared error of one step, in variances", x_label="windows seen")

    weights = np.linalg.lstsq(np.column_stack([x[..., 0], np.ones(len(x))]), y[:, 0], rcond=None)[0]
    network_forecast = engine.compile(lambda x: model(x, training=False), model.variables)
    forecasters = {
        "": lambda x: np.asarray(network_forecast(x))[:, 0],
        "linear_": lambda x: x[..., 0] @ weights[:-1].astype("float32") + weights[-1],
    }
    results, shown = {}, {}
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


def iterated(forecast, series, window, horizon):
    """Forecasts `[N, horizon]` from every window of a series, each step from the window moved on by what was forecast."""
    import numpy as np

    count = len(series) - window - horizon + 1
    seen = np.lib.stride_tricks.sliding_window_view(series.astype("float32"), window)[:count].copy()
    steps = []
    for _ in range(horizon):
        steps.append(forecast(seen[..., None]))
        seen = np.concatenate([seen[:, 1:], steps[-1][:, None]], axis=1).astype("float32")
    return np.stack(steps, axis=1)


def picture(path, truth, forecasts):
    """Draws the series and the forecasts from one window."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.plot(range(1, len(truth) + 1), truth, color="black", linewidth=2, label="the series")
    for name, values in forecasts.items():
        axes.plot(range(1, len(values) + 1), values, label=name.strip("_"))
    low, high = truth.min(), truth.max()
    axes.set(xlabel="steps ahead", ylabel="x, standardised", ylim=(low - 1, high + 1))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    smoke = {"units": 8, "window": 10, "horizon": 5, "samples": 400, "test_samples": 100, "epochs": 2}
    experiment.main(Config, run, smoke=smoke)
