"""What networks that style pictures in one pass share: settings, pictures, the time of a pass."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from experiments.common import style, supervised
from lab import validation
from lab.runs.track import Track
from lab.validation import Interval

if TYPE_CHECKING:
    import keras
    import numpy as np


@dataclass(frozen=True)
class OnePass(supervised.Sampled):
    """Settings of such a network and of its training."""

    several_devices: ClassVar[bool] = False
    unused: ClassVar[tuple[str, ...]] = ("mixup", "label_smoothing", "patience", *supervised.OF_IMAGES)
    shipped: ClassVar[tuple[str, ...]] = ()  # pictures to train on where no folder is given
    style: str = "woven"
    """The style to test on: a name of `lab.data.textures.KINDS`, or a file."""
    content: str = "hopper"
    """The picture to test on: a name, or a file."""
    pictures: str = ""
    """A folder of pictures to train on; by default those that libraries ship."""
    size: Annotated[int, Interval(48, 1024)] = 128
    """Pixels on a side of the parts to train on. A multiple of 4."""
    test_size: Annotated[int, Interval(48, 2048)] = 256
    """Pixels of the shorter side of the pictures to test on."""
    ratio: Annotated[float, Interval(over=0, high=1e6)] = 10.0
    """Weight of style beside content."""
    batch_size: int = 4
    learning_rate: float = 1e-3
    clip_norm: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        validation.require(self.size % 4 == 0, "size", "a multiple of 4", self.size)
        style.require_pictures(style=self.style, content=self.content)
        self.names()

    def names(self) -> list[str]:
        """Of the pictures to train on, never those to test on."""
        return style.pictures_of(self.pictures, self.shipped, without=(self.content, self.style))


def tested(config: OnePass, track: Track) -> "tuple[np.ndarray, np.ndarray]":
    """(the content, the style) to test on, from -1 to 1. Says whose they are."""
    from lab.data import credit, picture_by_name
    from lab.data.conventions import as_floats

    for name in (config.content, config.style):
        track.say(credit(name))
    content, styled = (as_floats(picture_by_name(name, config.test_size)) for name in (config.content, config.style))
    return content, styled


def milliseconds(network: "keras.Model", *inputs: Any, times: int = 5) -> float:
    """The shortest time of a pass of a network after the first, in milliseconds."""
    import time

    import numpy as np

    from lab import engine

    program = engine.compile(lambda *x: network(list(x) if len(x) > 1 else x[0], training=False), network.variables)
    found = []
    for _ in range(times + 1):
        began = time.perf_counter()
        np.asarray(program(*inputs))
        found.append(time.perf_counter() - began)
    return 1000 * min(found[1:])
