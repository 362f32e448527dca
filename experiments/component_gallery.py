"""The components as pictures: activations, optimizers, games, initial weights, convolution.

Expected: optimistic_adam_distance <= 0.01 (it starts at 1.41; Adam's is above 2)
Time: a minute on two cores
Source: the papers named in the components' docstrings; Rosenbrock 1960; Beale 1958; Glorot and
Bengio 2010 for the statistics of activations.

The distance is that from the equilibrium of min_x max_y xy. The run's artifact `gallery.html` is a
page with all pictures. Each picture is also a file of its own.
"""

import base64
from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval

OPTIMIZERS = (
    "SGD",
    "Momentum",
    "Nesterov",
    "Adagrad",
    "RMSprop",
    "Adam",
    "RAdam",
    "OptimisticAdam",
    "Lookahead",
    "SAM",
    "ExtraGradient",
)


@dataclass(frozen=True)
class Config:
    """What the pictures show."""

    steps: Annotated[int, Interval(2, 10**6)] = 300
    """Optimizer steps on each surface and in the game."""
    rates: Annotated[tuple[float, ...], Interval(over=0, high=1e6)] = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)
    """Learning rates tried on each surface. The picture shows the one whose path ends lowest."""
    optimizers: tuple[str, ...] = OPTIMIZERS
    """Optimizers to show."""
    depth: Annotated[int, Interval(1, 1_000)] = 20
    """Layers of the network whose activations are measured."""
    width: Annotated[int, Interval(2, 10**4)] = 256
    """Units of each of these layers."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        for name in self.optimizers:
            validation.require(name in OPTIMIZERS, "optimizers", f"some of {', '.join(OPTIMIZERS)}", name)
        validation.require(self.rates, "rates", "at least one", self.rates)

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return [
            memory.Need("layers", self.depth * memory.dense(self.width, self.width), "--depth, --width"),
            memory.Need("paths", 100 * self.steps * len(self.rates) * len(self.optimizers), "--steps, --rates"),
        ]


def run(config: Config, track: Track) -> dict[str, float]:
    """Draws every picture and the page. Returns the last distances from the game's equilibrium."""
    from experiments.common import gallery

    pictures = [
        ("activations", "Activations (blue) and their derivatives (orange)", gallery.activations()),
        ("optimizers", "Optimizers' paths, each at the best of the learning rates", gallery.paths(config)),
    ]
    distances = {name: gallery.game(name, config.steps) for name in ("SGD", "Adam", "OptimisticAdam", "ExtraGradient")}
    for step in range(config.steps):
        track.log({f"{name}_distance": values[step] for name, values in distances.items()}, step + 1)
    pictures += [
        ("two_player", "Distance from the equilibrium of min_x max_y xy", gallery.curves(distances)),
        (
            "initializers",
            f"Standard deviation of the activations through {config.depth} layers",
            gallery.statistics(config, track.seed),
        ),
        ("convolution", "Convolution flips the kernel, cross-correlation does not", gallery.convolution()),
        ("padding", "Padding a picture", gallery.padding()),
    ]
    parts = [
        "<!doctype html><meta charset='utf-8'><title>Components</title><body style='font-family:sans-serif;max-width:1100px'>"
    ]
    for name, title, figure in pictures:
        path = track.artifacts / f"{name}.png"
        figure.suptitle(title)
        figure.savefig(path, dpi=90)
        track.artifact(path.name)
        data = base64.b64encode(path.read_bytes()).decode()
        parts.append(f"<h2>{title}</h2><img style='max-width:100%' alt='{title}' src='data:image/png;base64,{data}'>")
    (track.artifacts / "gallery.html").write_text("\n".join(parts))
    track.artifact("gallery.html")
    return {"optimistic_adam_distance": distances["OptimisticAdam"][-1], "adam_distance": distances["Adam"][-1]}


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"steps": 20, "rates": (1e-2,), "optimizers": ("SGD", "SAM"), "depth": 3, "width": 32})
