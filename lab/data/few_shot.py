"""Few-shot episodes of letters: a stand-in for Omniglot that needs no download.

A class is a letter of some script, turned by 0, 90, 180 or 270 degrees. An instance is a face with
a distortion of its own. Whole scripts are held out for tests, as Omniglot holds out alphabets.
"""

import functools
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lab import validation
from lab.data.drawn import kept, versions
from lab.data.glyphs import FACES as ALL_FACES
from lab.data.glyphs import VERSION, charmap, distort, draw, faces_with, outline
from lab.validation import require_name

FACES = ALL_FACES[:16]  # DejaVu and STIX; the others have Latin letters alone
LEAST = 8  # faces that a letter must have
HELD_OUT = ("ARMENIAN", "GEORGIAN")
BRIEF = 10  # letters of a script, below which it is left out


class LetterBank(NamedTuple):
    """Pictures of letters."""

    images: np.ndarray  # uint8 [L, instances, size, size], white on black
    letters: list[str]  # [L]


class Episodes(NamedTuple):
    """Episodes in which the label of a step is shown at the step after it."""

    x: np.ndarray  # float32 [count, T, size * size + ways]: picture, label before, one-hot
    labels: np.ndarray  # int32 [count, T], 0 to ways - 1
    instances: np.ndarray  # int32 [count, T]: the class is shown for the first, second, ... time


@functools.cache
def scripts() -> dict[str, list[str]]:
    """The letters without accents that at least eight faces have, by the name of their script.

    Of letters that look the same, such as A in three scripts, the first counts.
    """
    faces: dict[str, list[str]] = {}
    for face in FACES:
        for character in charmap(face):
            faces.setdefault(character, []).append(face)
    found: dict[str, list[str]] = {}
    seen = set()
    for character in sorted(faces):
        letter = unicodedata.category(character) in ("Lu", "Ll", "Lt", "Lo") and not unicodedata.decomposition(character)
        if not letter or len(faces[character]) < LEAST:
            continue
        look = outline(character, faces[character][0])
        if look not in seen:
            seen.add(look)
            found.setdefault(unicodedata.name(character).split()[0], []).append(character)
    return {script: letters for script, letters in found.items() if len(letters) >= BRIEF}


def letter_bank(
    names: Sequence[str] | None = None,
    *,
    held_out: Sequence[str] = HELD_OUT,
    instances: int = 20,
    size: int = 20,
    seed: int = 0,
    cache: bool = True,
) -> LetterBank:
    """Pictures of all letters of some scripts, each a random face with a distortion of its own.

    Args:
        names: of scripts, see `scripts`. By default all but those held out.
        held_out: names of the scripts that the default leaves out, for a test.
        instances: pictures of each letter.
        size: pixels on a side.
        seed: of faces and distortions.
        cache: whether pictures are kept in `$LAB_HOME/mlruns/cache`, and read from there.
    """
    known = scripts()
    for name in (*(names or ()), *held_out):
        require_name("script", name, known)
    chosen = [name for name in known if name not in held_out] if names is None else list(dict.fromkeys(names))
    instances, size = validation.integer("instances", instances), validation.integer("size", size, 8)
    letters = [letter for name in chosen for letter in known[name]]
    settings = [VERSION, versions(), letters, instances, size, seed]

    def make():
        rng = np.random.default_rng(seed)
        supported = faces_with(letters, FACES)
        ink = [
            distort(draw(letter, faces[rng.integers(len(faces))], size), size, rng, 12.0, 0.15, 0.12, 0.06, 0.02)
            for letter, faces in zip(letters, supported)
            for _ in range(instances)
        ]
        return {"images": np.round(255 * np.stack(ink)).astype("uint8").reshape(len(letters), instances, size, size)}

    return LetterBank(kept("letters", settings, make, cache=cache)["images"], letters)


def episodes(bank: LetterBank, count: int, *, ways: int = 5, shots: int = 10, seed: int = 0) -> Episodes:
    """Episodes of `ways` classes, each shown `shots` times in random order.

    The classes of an episode are different letters, each turned by a random number of quarters. So
    a letter that looks the same when turned is never two classes of one episode. Labels are random
    in each episode.

    Source: Santoro et al. 2016, section 3.1.

    Args:
        bank: of `letter_bank`, with at least `ways` letters and `shots` instances.
        count: number of episodes.
        ways: classes of an episode.
        shots: pictures of each class.
        seed: of all that is drawn.
    """
    letters, instances, size, _ = bank.images.shape
    count, ways, shots = (
        validation.integer("count", count),
        validation.integer("ways", ways),
        validation.integer("shots", shots),
    )
    if ways > letters or shots > instances:
        needed = f"a bank of at least {ways} letters and {shots} instances"
        raise ValueError(f"ways, shots: expected {needed}, received {letters} and {instances}.")
    rng = np.random.default_rng(seed)
    steps = ways * shots
    x = np.zeros((count, steps, size * size + ways), "float32")
    labels = np.zeros((count, steps), "int32")
    shown = np.zeros((count, steps), "int32")
    for row in range(count):
        chosen = rng.choice(letters, ways, replace=False)
        turned = rng.integers(0, 4, ways)
        pictures = np.stack([bank.images[letter][rng.permutation(instances)[:shots]] for letter in chosen])
        pictures = np.stack([np.rot90(each, quarters, axes=(1, 2)) for each, quarters in zip(pictures, turned)])
        order = rng.permutation(np.repeat(np.arange(ways), shots))
        places = np.zeros(steps, int)
        for label in range(ways):
            places[order == label] = np.arange(shots)
        x[row, :, : size * size] = pictures[order, places].reshape(steps, -1) / 255
        x[row, 1:, size * size :] = np.eye(ways)[order[:-1]]
        labels[row], shown[row] = order, places + 1
    return Episodes(x, labels, shown)
