"""Random streams by name.

NumPy pads a seed with zeros, so `default_rng([7])` and `default_rng([7, 0])` are one stream. Here a name and its
numbers are hashed together: two streams are the same only where name and numbers are.
"""

import hashlib

import numpy as np


def sequence(name: str, *numbers: int) -> np.random.SeedSequence:
    """The `SeedSequence` of a stream: SHA-256 of the name and the numbers, in order.

    Args:
        name: says what the numbers are drawn for, such as "gan.generate".
        numbers: the run's seed, then what else tells the streams of one name apart, such as an epoch.
    """
    text = ":".join([name, *(str(int(number)) for number in numbers)])
    return np.random.SeedSequence(int.from_bytes(hashlib.sha256(text.encode()).digest(), "little"))


def generator(name: str, *numbers: int) -> np.random.Generator:
    """A NumPy generator over `sequence(name, *numbers)`."""
    return np.random.default_rng(sequence(name, *numbers))
