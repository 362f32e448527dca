"""Random streams by name.

NumPy pads a seed with zeros, so `default_rng([7])` and `default_rng([7, 0])` are one stream. Here a
name and its numbers are hashed together. Two streams are the same only if both the name and the
numbers are.
"""

import hashlib

import numpy as np


def sequence(name: str, *numbers: int) -> np.random.SeedSequence:
    """The `SeedSequence` of a stream: SHA-256 of the name and the numbers, in order.

    Args:
        name: what the random numbers are for, such as "gan.generate".
        numbers: the seed of the run, then what distinguishes streams of one name: an epoch, say.
    """
    text = ":".join([name, *(str(int(number)) for number in numbers)])
    return np.random.SeedSequence(int.from_bytes(hashlib.sha256(text.encode()).digest(), "little"))


def generator(name: str, *numbers: int) -> np.random.Generator:
    """A NumPy generator over `sequence(name, *numbers)`."""
    return np.random.default_rng(sequence(name, *numbers))
