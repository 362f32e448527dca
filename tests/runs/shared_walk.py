"""An experiment of a moment whose seeds can be one program: a random walk.

Expected: loss >= -1000
Time: a second
"""

import time
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from lab.runs import experiment
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """Settings of the walk."""

    together: ClassVar[bool] = True
    steps: Annotated[int, Interval(1, 10**6)] = 40
    """Steps of the walk."""
    pause: Annotated[float, Interval(0, 10)] = 0.0
    """Seconds between two steps."""
    fails: Annotated[int, Interval(0, 10**6)] = 0
    """Step at which seed 1 fails; 0 for none."""


def run(config: Config, track: Any) -> dict[str, float]:
    """Walks; saves every fifth step."""
    import keras

    from lab import engine

    place = keras.Variable([0.0, float(track.seed)], trainable=False)
    rng = keras.random.SeedGenerator(track.seed)

    def step():
        place.assign(place.value * 0.9 + keras.random.normal((2,), seed=rng))
        return keras.ops.sum(place.value)

    program = engine.compile(step, [place, rng.state], shared=True)
    state = [place, rng.state]
    for done in range(track.restore(state) + 1, config.steps + 1):
        track.log({"loss": float(program())}, done)
        if (track.seed, done) == (1, config.fails):
            raise RuntimeError("the walker fell")
        if done % 5 == 0:
            track.checkpoint(state, done)
        time.sleep(config.pause)
    return {"loss": float(place.value[0])}


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"steps": 5})
