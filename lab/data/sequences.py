"""Generated sequences: what a recurrent network can and cannot remember, and series to forecast."""

import numpy as np
from numpy.typing import ArrayLike

from lab import validation


def adding(count: int, length: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The adding problem: the sum of two marked numbers.

    Numbers are uniform in [0, 1). One mark is in the first half, one in the second. Always
    answering 1 has a mean squared error of 1/6.

    Source: Hochreiter and Schmidhuber 1997, section 5.4; marks as in Arjovsky et al. 2016,
    section 5.2.

    Returns:
        (x float32 `[count, length, 2]`, numbers and marks; y float32 `[count, 1]`, the sums).
    """
    count, length = validation.integer("count", count), validation.integer("length", length, 2)
    rng = np.random.default_rng(seed)
    x = np.zeros((count, length, 2), "float32")
    x[:, :, 0] = rng.uniform(size=(count, length))
    rows, half = np.arange(count), length // 2
    for low, high in ((0, half), (half, length)):
        x[rows, rng.integers(low, high, count), 1] = 1
    return x, (x[:, :, 0] * x[:, :, 1]).sum(axis=1, keepdims=True)


def copy_memory(count: int, delay: int, *, length: int = 10, symbols: int = 8, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Copying: symbols, a wait, a sign, and the symbols again.

    Symbols are 1 to `symbols`, 0 is blank, `symbols` + 1 is the sign. After the sign `length`
    answers are due. Answering blank before it and at random after it has a cross-entropy of

        length log(symbols) / (delay + 2 length) nats.

    Source: Arjovsky et al. 2016, section 5.1.

    Args:
        count: number of sequences.
        delay: steps between the symbols and the answers, the sign among them.
        length: number of symbols to copy.
        symbols: number of different ones.
        seed: of the symbols.

    Returns:
        (x int32 `[count, delay + 2 length]`, y int32 of the same shape).
    """
    count, delay = validation.integer("count", count), validation.integer("delay", delay)
    length, symbols = validation.integer("length", length), validation.integer("symbols", symbols)
    data = np.random.default_rng(seed).integers(1, symbols + 1, (count, length))
    x = np.zeros((count, delay + 2 * length), "int32")
    y = np.zeros_like(x)
    x[:, :length] = data
    x[:, length + delay - 1] = symbols + 1
    y[:, length + delay :] = data
    return x, y


def pixel_sequences(images: ArrayLike, *, permutation_seed: int | None = None) -> np.ndarray:
    """Images pixel by pixel, row by row or in one random order for all (Le et al. 2015).

        uint8 [N, H, W, C] -> float32 [N, H W, C] in 0..1

    Args:
        images: uint8 `[N, H, W, C]`.
        permutation_seed: of the order. None keeps the rows.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.dtype != np.uint8:
        raise ValueError(f"images: expected uint8 [N, H, W, C], received {images.dtype} {images.shape}.")
    pixels = images.reshape(len(images), -1, images.shape[-1]).astype("float32") / 255
    if permutation_seed is None:
        return pixels
    return pixels[:, np.random.default_rng(permutation_seed).permutation(pixels.shape[1])]


def mackey_glass(
    count: int,
    *,
    delay: float = 17.0,
    start: float = 1.2,
    discard: int = 1000,
    step: float = 0.1,
    production: float = 0.2,
    decay: float = 0.1,
    power: float = 10,
) -> np.ndarray:
    """The Mackey-Glass series at whole times, float64 `[count]` (Mackey and Glass 1977).

        x'(t) = production x_d / (1 + x_d^power) - decay x(t),   x_d = x(t - delay)

    It is solved by the classical Runge-Kutta method of fourth order. Between two steps of the
    past a cubic through values and slopes is taken. The series is chaotic from a delay of about
    17 on.

    Args:
        count: number of values.
        delay: how far back the past is.
        start: x(t) for t <= 0.
        discard: time before the first value.
        step: of the method. It divides 1 and the delay.
        production, decay, power: of the equation.
    """
    count = validation.integer("count", count)
    validation.POSITIVE.check("step", step)
    per_unit = round(1 / step)
    lag = round(delay / step)
    if abs(per_unit * step - 1) > 1e-9 or abs(lag * step - delay) > 1e-9 or lag < 1:
        raise ValueError(f"step: expected a divisor of 1 and of the delay, {delay}, received {step}.")
    steps = (discard + count - 1) * per_unit

    def slope(x, past):
        return production * past / (1 + past**power) - decay * x

    values = [float(start)] * (lag + 1)  # at times -delay .. 0
    middles = [float(start)] * lag  # between them
    first = slope(start, start)
    for i in range(steps):
        x = values[i + lag]
        past = middles[i]
        next_past = values[i + 1]
        second = slope(x + step / 2 * first, past)
        third = slope(x + step / 2 * second, past)
        fourth = slope(x + step * third, next_past)
        values.append(x + step / 6 * (first + 2 * second + 2 * third + fourth))
        last = slope(values[-1], next_past)
        middles.append((x + values[-1]) / 2 + step / 8 * (first - last))
        first = last
    return np.array(values[lag + discard * per_unit :: per_unit])


def sine_mixture(
    count: int,
    length: int,
    *,
    waves: int = 3,
    periods: tuple[float, float] = (10.0, 50.0),
    noise: float = 0.0,
    seed: int = 0,
) -> np.ndarray:
    """Sums of sine waves and normal noise, float32 `[count, length, 1]`.

    Period, amplitude (0.5 to 1) and phase of each wave are random.

    Args:
        count: number of series.
        length: steps of each.
        waves: in each sum.
        periods: the least and the greatest, in steps. Uniform between them.
        noise: its standard deviation.
        seed: of all that is drawn.
    """
    count = validation.integer("count", count)
    length = validation.integer("length", length)
    waves = validation.integer("waves", waves)
    if not 0 < periods[0] <= periods[1]:
        raise ValueError(f"periods: expected (least, greatest), 0 < least <= greatest, received {periods}.")
    validation.NOT_NEGATIVE.check("noise", noise)
    rng = np.random.default_rng(seed)
    period = rng.uniform(periods[0], periods[1], (count, waves, 1))
    phase = rng.uniform(0, 2 * np.pi, (count, waves, 1))
    amplitude = rng.uniform(0.5, 1.0, (count, waves, 1))
    series = (amplitude * np.sin(2 * np.pi * np.arange(length) / period + phase)).sum(axis=1)
    return (series + noise * rng.normal(size=series.shape)).astype("float32")[..., None]


def windows(series: ArrayLike, length: int, *, horizon: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Each window of a series `[T]`, and the value `horizon` steps after its end.

    Returns:
        (x float32 `[N, length, 1]`, y float32 `[N, 1]`).
    """
    series = np.asarray(series, "float32")
    length, horizon = validation.integer("length", length), validation.integer("horizon", horizon)
    if series.ndim != 1 or len(series) < length + horizon or not np.isfinite(series).all():
        raise ValueError(f"series: expected at least {length + horizon} finite numbers in a row, received {series.shape}.")
    x = np.lib.stride_tricks.sliding_window_view(series[:-horizon], length)
    return x[..., None].copy(), series[length + horizon - 1 :, None].copy()
