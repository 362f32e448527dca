"""A pool of generated pictures, from which the discriminator is shown older ones."""

from typing import Any

import keras
from keras import ops

from lab import engine, validation
from lab.engine.types import Tensor


class ImagePool(keras.layers.Layer):
    """The history of generated pictures (Shrivastava et al. 2017, section 2.3; Zhu et al. 2017).

    Of each picture of a batch, one after the other:

        while the pool is not full    it is stored and returned
        with probability 1/2          it is returned and not stored
        otherwise                     a random stored one is returned, and it takes its place

    Stored pictures, their number and the random state are variables of the layer. A checkpoint of
    these is exact. With a size of 0 all pictures are returned as they are.

    Args:
        size: pictures that it holds.
        shape: of a picture.
        seed: of the coins and the places.
    """

    def __init__(self, size: int, shape: tuple[int, ...], *, seed: int, **options: Any) -> None:
        super().__init__(**{"dtype": "float32"} | options)
        self.size = validation.integer("size", size, 0)
        self.seeds = keras.random.SeedGenerator(seed)
        if self.size:
            stored = {"initializer": "zeros", "trainable": False, "dtype": "float32"}
            self.pictures = self.add_weight(shape=(self.size, *shape), name="pictures", **stored)
            self.count = self.add_weight(shape=(), initializer="zeros", dtype="int32", trainable=False, name="count")
        self.built = True

    def call(self, pictures: Tensor) -> Tensor:
        """The pictures `[B, ...]` to show, in place of new ones. A program."""
        if not self.size:
            return pictures
        count = ops.shape(pictures)[0]
        coins = keras.random.uniform((count,), seed=self.seeds)
        places = keras.random.randint((count,), 0, self.size, seed=self.seeds)
        return engine.scan(self._exchanged, self.variables, (pictures, coins, places))

    def _exchanged(self, one):
        """The picture to show in place of a new one."""
        picture, coin, place = one
        filling = self.count < self.size
        place = ops.where(filling, ops.minimum(self.count, self.size - 1), ops.cast(place, "int32"))
        older = ops.logical_and(ops.logical_not(filling), coin >= 0.5)
        stored = ops.take(self.pictures, place, axis=0)
        kept = ops.where(ops.logical_or(filling, older), picture, stored)
        engine.write(self.pictures, place[None], kept[None])
        self.count.assign(self.count + ops.cast(filling, "int32"))
        return ops.where(older, stored, picture)
