"""Pictures that minimise a loss of their features (Gatys et al. 2015 and 2016)."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import keras
import numpy as np
from keras import ops

from lab import engine, errors, validation
from lab.engine.types import Tensor
from lab.optimizers import Adam
from lab.vision.style.features import Features, fitting_pyramid
from lab.vision.style.losses import content_loss, gram_matrix, style_loss, total_variation

MEMORY = 10  # earlier steps from which L-BFGS estimates curvature
SCALE = 1e3  # of the loss for SciPy, whose tolerances are for numbers of about 1

Report = Callable[[int, dict[str, float], np.ndarray], Any]
"""(step, losses of the picture, picture [H, W, 3] from -1 to 1), called after each step."""
Loss = Callable[[Tensor], tuple[Tensor, dict[str, Tensor]]]


class Made(NamedTuple):
    """A picture, and how good it is."""

    picture: np.ndarray  # float32 [H, W, 3] from -1 to 1
    losses: dict[str, float]  # of the picture: "style" and, if there is one, "content"
    evaluations: int  # of the loss and its gradient


def stylize(
    content: np.ndarray,
    style: np.ndarray,
    *,
    features: Features | None = None,
    ratio: float = 10.0,
    variation: float = 0.0,
    steps: int = 200,
    start: Literal["content", "style", "noise"] = "content",
    optimizer: Literal["lbfgs", "adam"] = "lbfgs",
    learning_rate: float = 0.02,
    seed: int = 0,
    calibrate: bool = True,
    report: Report | None = None,
) -> Made:
    """The content's picture in the style of another (Gatys et al. 2016, eq. 7).

        minimise content_loss + ratio · style_loss + variation · total_variation

    Args:
        content: `[H, W, 3]` from -1 to 1. The result has its size.
        style: `[H', W', 3]` from -1 to 1, of any size.
        features: of `random_pyramid`, `random_vgg` or `plain_features`. They are calibrated on
            both pictures. The default is `fitting_pyramid`.
        ratio: of style to content, > 0. Both losses are shares, so it needs no change with the size
            of a picture.
        variation: weight of total variation, which makes the picture smoother.
        steps: of the optimizer.
        start: from the content, from the style's picture (scaled) or from noise.
        optimizer: "lbfgs", SciPy's L-BFGS-B between -1 and 1, or "adam".
        learning_rate: of Adam.
        seed: of noise and of the default features.
        calibrate: whether the features are calibrated on both pictures.
        report: see `Report`.
    """
    features = features or fitting_pyramid(content, style, seed=seed)
    content, style = _picture("content", content, features), _picture("style", style, features)
    ratio = validation.Interval(over=0, high=1e9).check("ratio", ratio)
    variation = validation.NOT_NEGATIVE.check("variation", variation)
    described = features.calibrated(content, style) if calibrate else features
    targets = _grams(described, style)
    wanted = [ops.convert_to_numpy(each) for each in _maps(described, content[None], described.content)]

    def loss(picture):
        maps = described.maps(picture)
        of_style = style_loss([gram_matrix(maps[place]) for place in described.style], targets)
        of_content = content_loss([maps[place] for place in described.content], wanted)
        total = of_content + ratio * of_style
        if variation:
            total += variation * total_variation(picture)
        return total, {"style": of_style, "content": of_content}

    begin = _start(start, content, style, seed)
    return _minimized(loss, described.network, begin, steps, optimizer, learning_rate, report)


def synthesize(
    texture: np.ndarray,
    size: tuple[int, int] | None = None,
    *,
    features: Features | None = None,
    steps: int = 200,
    optimizer: Literal["lbfgs", "adam"] = "lbfgs",
    learning_rate: float = 0.02,
    seed: int = 0,
    report: Report | None = None,
) -> Made:
    """A new picture with the texture of another (Gatys et al. 2015).

        minimise style_loss, from noise

    Args:
        texture: `[H, W, 3]` from -1 to 1.
        size: (height, width) of the result; by default the texture's.
        features, steps, optimizer, learning_rate, seed, report: as of `stylize`.
    """
    features = features or fitting_pyramid(texture, seed=seed)
    texture = _picture("texture", texture, features)
    height, width = size or texture.shape[:2]
    described = features.calibrated(texture)
    targets = _grams(described, texture)

    def loss(picture):
        maps = described.maps(picture)
        of_style = style_loss([gram_matrix(maps[place]) for place in described.style], targets)
        return of_style, {"style": of_style}

    blank = np.broadcast_to(texture.mean(axis=(0, 1)), (height, width, 3)).astype("float32")
    begin = _start("noise", _picture("size", blank, features), texture, seed)
    return _minimized(loss, described.network, begin, steps, optimizer, learning_rate, report)


def _picture(name, picture, features):
    """Raises unless a picture can be described. Returns it as float32."""
    picture, least = np.asarray(picture), features.least
    if picture.ndim != 3 or picture.shape[-1] != 3 or min(picture.shape[:2]) < least:
        raise ValueError(f"{name}: expected [H, W, 3], H and W >= {least}, received {list(picture.shape)}.")
    if picture.dtype.kind != "f" or not np.isfinite(picture).all() or abs(picture).max() > 1:
        raise ValueError(f"{name}: expected numbers from -1 to 1, received {picture.dtype} of another range.")
    return picture.astype("float32")


def _maps(features, pictures, places):
    maps = features.maps(pictures)
    return [maps[place] for place in places]


def _grams(features, picture):
    """The Gram matrices of a style, as arrays."""
    return [ops.convert_to_numpy(gram_matrix(each))[0] for each in _maps(features, picture[None], features.style)]


def _start(kind, content, style, seed):
    """The picture to begin with. Noise has the colours of the style, so grey stays grey."""
    validation.require_name("start", kind, ("content", "style", "noise"))
    if kind == "content":
        return content
    if kind == "style":
        return np.clip(ops.convert_to_numpy(ops.image.resize(style, content.shape[:2], antialias=True)), -1, 1)
    colours = style.reshape(-1, 3)
    noise = np.random.default_rng(seed).normal(size=content.shape) @ _root(np.cov(colours.T)) + colours.mean(axis=0)
    return np.clip(noise, -1, 1).astype("float32")


def _root(covariance):
    """The symmetric square root of a covariance."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def _minimized(
    loss: Loss, network: keras.Model, start: np.ndarray, steps: int, optimizer: str, rate: float, report: Any
) -> Made:
    steps = validation.integer("steps", steps)
    validation.require_name("optimizer", optimizer, ("lbfgs", "adam"))
    run = _lbfgs if optimizer == "lbfgs" else _adam
    return run(loss, network, start.astype("float32"), steps, rate, report or (lambda step, losses, picture: None))


def _lbfgs(loss, network, start, steps, rate, report):
    """SciPy's L-BFGS-B over the pixels."""
    from scipy.optimize import minimize

    program = engine.compile(lambda picture: engine.value_and_grad(loss)(picture), network.variables)
    seen: dict[str, Any] = {"evaluations": 0, "step": 0}

    def of(pixels):
        picture = pixels.reshape(1, *start.shape).astype("float32")
        (total, parts), gradient = program(picture)
        seen["evaluations"] += 1
        seen["losses"] = {name: float(part) for name, part in parts.items()}
        errors.require_finite_metrics(seen["losses"], {}, f"evaluation {seen['evaluations']}")
        return SCALE * float(total), SCALE * ops.convert_to_numpy(gradient).astype("float64").ravel()

    def after(pixels):
        seen["step"] += 1
        report(seen["step"], seen["losses"], pixels.reshape(start.shape).astype("float32"))

    options = {"maxiter": steps, "maxfun": 2 * steps + 20, "maxcor": MEMORY, "ftol": 0.0, "gtol": 0.0}
    bounds = [(-1.0, 1.0)] * start.size
    found = minimize(
        of, start.astype("float64").ravel(), jac=True, method="L-BFGS-B", bounds=bounds, callback=after, options=options
    )
    of(found.x)  # the last evaluation may be of a step that was not taken
    return Made(found.x.reshape(start.shape).astype("float32"), seen["losses"], seen["evaluations"])


def _adam(loss, network, start, steps, rate, report):
    """Adam over the pixels; its step size falls to 0 along a cosine."""
    picture = keras.Variable(start[None], name="picture")
    optimizer = Adam(keras.optimizers.schedules.CosineDecay(validation.POSITIVE.check("learning_rate", rate), steps))
    optimizer.build([picture])

    def update():
        (_, parts), (gradient,) = engine.value_and_grad(lambda: loss(picture.value), [picture])()
        optimizer.apply([gradient], [picture])
        picture.assign(ops.clip(picture, -1.0, 1.0))
        return parts

    program = engine.compile(update, [*network.variables, picture, *optimizer.variables])
    for step in range(steps):
        before = engine.read(picture)[0]
        losses = {name: float(part) for name, part in program().items()}
        errors.require_finite_metrics(losses, {}, f"step {step + 1}")
        if step:  # the losses are those of the picture before the step
            report(step, losses, before)
    last = engine.read(picture)
    _, parts = loss(ops.convert_to_tensor(last))
    losses = {name: float(part) for name, part in parts.items()}
    report(steps, losses, last[0])
    return Made(last[0], losses, steps + 1)
