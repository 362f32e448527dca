"""The pictures of `component_gallery`."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops
from matplotlib.figure import Figure
from sklearn.datasets import load_sample_image

from experiments.common.tabular import COLOURS
from lab import activations as functions
from lab import engine, initializers, layers, optimizers
from lab.engine.types import Tensor

if TYPE_CHECKING:
    from experiments.component_gallery import Config

SURFACES = {"Rosenbrock": (-1.5, 2.0), "Beale": (1.0, 1.5), "ravine": (-4.0, 1.0)}  # name: start of the paths
MINIMA = {"Rosenbrock": (1.0, 1.0), "Beale": (3.0, 0.5), "ravine": (0.0, 0.0)}


def sheet(rows: int, columns: int, size: tuple[float, float] = (3.0, 2.4)) -> tuple[Figure, list]:
    """A figure and the list of its axes, row by row. The size is that of one of them, in inches."""
    figure = Figure(figsize=(columns * size[0], rows * size[1]), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axis in axes:
        axis.set_prop_cycle(color=COLOURS)
    return figure, axes


def activations() -> Figure:
    """Each elementwise activation with its derivative."""
    shown: dict[str, dict[str, float]] = {
        "sigmoid": {},
        "tanh": {},
        "relu": {},
        "leaky_relu": {"alpha": 0.2},
        "prelu": {"alpha": 0.5},
        "elu": {"alpha": 1.0},
        "selu": {},
        "softplus": {},
        "gelu": {},
    }
    x = ops.convert_to_tensor(np.linspace(-4, 4, 401).astype("float32"))
    figure, axes = sheet(3, 3)
    for axis, (name, options) in zip(axes, shown.items(), strict=True):
        axis.plot(x, ops.convert_to_numpy(getattr(functions, name)(x, **options)), color="tab:blue", label="function")
        axis.plot(x, ops.convert_to_numpy(functions.derivative(name, **options)(x)), color="tab:orange", label="derivative")
        axis.set_title(name + "".join(f", {key}={value}" for key, value in options.items()), fontsize=10)
        axis.grid(alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def surface(name: str, x: Tensor, y: Tensor) -> Tensor:
    """The value of a test function at a point."""
    if name == "Rosenbrock":
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2
    if name == "Beale":
        return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2
    return 0.05 * x**2 + 2 * y**2


def optimizer(name: str, rate: float) -> keras.optimizers.Optimizer:
    """An optimizer of the library. One that wraps another optimizer wraps SGD."""
    kind = getattr(optimizers, name)
    return kind(optimizers.SGD(rate)) if name in ("Lookahead", "SAM", "ExtraGradient") else kind(rate)


def path(name: str, surface_name: str, config: "Config") -> tuple[float, np.ndarray]:
    """(best learning rate, points `[steps + 1, 2]`) of an optimizer on a surface.

    The best learning rate is the one whose last point is lowest.
    """
    start = np.array(SURFACES[surface_name], "float32")
    point = keras.Variable(start)
    rule = optimizer(name, config.rates[0])
    rule.build([point])
    state = [point, *rule.variables]
    gradient = engine.value_and_grad(lambda: (surface(surface_name, point[0], point[1]), ()), [point])

    def step(_):
        _, slope = gradient()
        ahead = getattr(rule, {"SAM": "ascend", "ExtraGradient": "extrapolate"}.get(name, ""), None)
        if ahead:
            ahead(slope, [point])
            _, slope = gradient()
        rule.apply(slope, [point])
        return ops.copy(point)

    program = engine.compile(lambda: engine.scan(step, state, length=config.steps), state)
    first = [ops.convert_to_numpy(variable).copy() for variable in state]
    lowest = np.inf
    best: tuple[float, np.ndarray] = config.rates[0], start[None]
    for rate in config.rates:
        for variable, value in zip(state, first, strict=True):
            variable.assign(value)
        rule.learning_rate = rate
        points = np.concatenate([start[None], ops.convert_to_numpy(program())])
        end = surface(surface_name, *points[-1].astype(float))
        if np.isfinite(end) and end < lowest:
            lowest = end
            best = rate, points
    return best


def paths(config: "Config") -> Figure:
    """Every optimizer on every surface."""
    figure, axes = sheet(len(config.optimizers), len(SURFACES), (3.6, 2.2))
    places = iter(axes)
    for name in config.optimizers:
        for surface_name, start in SURFACES.items():
            axis, target = next(places), MINIMA[surface_name]
            rate, points = path(name, surface_name, config)
            x, y = np.meshgrid(np.linspace(-4.5, 4.5, 150), np.linspace(-2.5, 3.0, 150))
            axis.contour(x, y, np.log10(surface(surface_name, x, y) + 1e-3), levels=14, cmap="Greys", linewidths=0.6)
            axis.plot(points[:, 0], points[:, 1], color="#D55E00", linewidth=1.2, label="path")
            axis.plot(*start, "o", color="black", markersize=4, label="start")
            axis.plot(*target, "*", color="#0072B2", markersize=8, label="minimum")
            axis.set(xlim=(-4.5, 4.5), ylim=(-2.5, 3.0), xticks=[], yticks=[])
            left = np.hypot(*(points[-1] - target))
            axis.set_title(f"{name}, {surface_name}: rate {rate:g}, {left:.2g} from the minimum", fontsize=7)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def game(name: str, steps: int) -> list[float]:
    """Distances from the equilibrium (0, 0) of min_x max_y xy, after each step.

    Both players move at the same time, from (1, 1).
    """
    makers: dict[str, Any] = {
        "SGD": lambda: optimizers.SGD(0.05),
        "Adam": lambda: optimizers.Adam(0.1, 0.0, 0.999),
        "OptimisticAdam": lambda: optimizers.OptimisticAdam(0.1, 0.0, 0.999),
        "ExtraGradient": lambda: optimizers.ExtraGradient(optimizers.SGD(0.3)),
    }
    make = makers[name]
    x, y = keras.Variable(1.0), keras.Variable(1.0)
    players = (make(), x), (make(), y)
    for player, variable in players:
        player.build([variable])
    state = [x, y, *(variable for player, _ in players for variable in player.variables)]

    def move(verb):
        gradients = ops.copy(y), -ops.copy(x)
        for (player, variable), gradient in zip(players, gradients, strict=True):
            getattr(player, verb)([gradient], [variable])

    def step(_):
        if name == "ExtraGradient":
            move("extrapolate")
        move("apply")
        return ops.sqrt(ops.square(x) + ops.square(y))

    distances = engine.compile(lambda: engine.scan(step, state, length=steps), state)()
    return np.asarray(ops.convert_to_numpy(distances), float).tolist()


def curves(distances: Mapping[str, Sequence[float]]) -> Figure:
    """Distances over steps, on a logarithmic axis."""
    figure, (axis,) = sheet(1, 1, (8.0, 4.0))
    for name, values in distances.items():
        axis.semilogy(range(1, len(values) + 1), values, label=name)
    axis.set(xlabel="steps", ylabel="distance from the equilibrium", ylim=(1e-6, 1e2))
    axis.legend()
    axis.grid(alpha=0.3)
    return figure


def statistics(config: "Config", seed: int) -> Figure:
    """The standard deviation of the activations of each layer, for each initializer."""
    kinds = ("GlorotNormal", "HeNormal", "LecunNormal", "Orthogonal")
    batch = np.random.default_rng(seed).normal(size=(256, config.width)).astype("float32")
    figure, axes = sheet(1, 3, (4.0, 3.2))
    for axis, function in zip(axes, ("tanh", "relu", "selu"), strict=True):
        for kind in (*kinds, "unit variance"):
            seeded = getattr(initializers, kind if kind in kinds else "Orthogonal")
            stack = [
                keras.layers.Dense(config.width, activation=function, kernel_initializer=seeded(seed=seed + number))
                for number in range(config.depth)
            ]
            model = keras.Sequential([keras.Input((config.width,)), *stack])
            if kind not in kinds:
                initializers.layer_sequential_unit_variance(model, batch, seed=seed)
            x, spreads = batch, []
            for layer in model.layers:
                x = layer(x)
                spreads.append(float(ops.std(x)))
            axis.semilogy(range(1, config.depth + 1), np.maximum(spreads, 1e-8), label=kind)
        axis.set(title=function, xlabel="layer", ylim=(1e-4, 1e2))
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("standard deviation")
    axes[0].legend(fontsize=8)
    return figure


def photograph() -> np.ndarray:
    """A photograph that comes with scikit-learn, in grey, `[H, W]` in [0, 1]."""
    return load_sample_image("china.jpg")[60:300:2, 200:520:2].mean(-1).astype("float32") / 255


def convolution() -> Figure:
    """Convolution and cross-correlation of a photograph with the same antisymmetric kernel.

    The two results have opposite signs.
    """
    image = photograph()
    kernel = np.outer(np.ones(5), [2.0, 1.0, 0.0, -1.0, -2.0]).astype("float32") / 15
    seen = []
    for kind in (layers.Convolution2D, keras.layers.Conv2D):
        layer = kind(1, 5, use_bias=False)
        layer.build((None, *image.shape, 1))
        layer.kernel.assign(kernel[:, :, None, None])
        seen.append(through(layer, image))
    names = ("photograph", "kernel", "convolution", "cross-correlation")
    return show(dict(zip(names, (image, kernel / kernel.max(), *seen), strict=True)), colours=names[1:])


def padding() -> Figure:
    """A photograph with each padding of 20 pixels."""
    choices: dict[str, Any] = {"zeros (Keras)": keras.layers.ZeroPadding2D(20)}
    choices |= {mode: layers.MirrorPadding2D(20, mode) for mode in ("reflect", "symmetric")}
    return show({name: through(layer, photograph()) for name, layer in choices.items()})


def through(layer: keras.layers.Layer, image: np.ndarray) -> np.ndarray:
    """The output of a layer for one grey picture `[H, W]`, as a picture."""
    return ops.convert_to_numpy(layer(image[None, :, :, None]))[0, :, :, 0]


def show(pictures: Mapping[str, np.ndarray], colours: Collection[str] = ()) -> Figure:
    """Pictures in a row: grey from 0 to 1. Those named in `colours` are coloured from -1 to 1."""
    figure, axes = sheet(1, len(pictures), (3.4, 2.8))
    for axis, (name, image) in zip(axes, pictures.items(), strict=True):
        axis.imshow(image, cmap="RdBu" if name in colours else "gray", vmin=-1 if name in colours else 0, vmax=1)
        axis.set_title(name)
        axis.axis("off")
    if colours:
        figure.supxlabel(f"{', '.join(colours)}: blue is positive, red is negative", fontsize=9)
    return figure
