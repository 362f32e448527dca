"""Letters of many scripts, and episodes in which they have to be learnt at once."""

import unicodedata

import numpy as np
import pytest

from lab.data import LetterBank, episodes, letter_bank, scripts
from tests.contracts import raises

NUMBERED = LetterBank(np.arange(6 * 4, dtype="uint8").reshape(6, 4, 1, 1) + np.zeros((1, 1, 3, 3), "uint8"), list("abcdef"))


@pytest.fixture(scope="module")
def known():
    return scripts()


def test_scripts_have_letters_without_accents_and_each_look_once(known):
    assert {"LATIN", "GREEK", "CYRILLIC", "GEORGIAN", "ARMENIAN", "LAO"} == set(known)
    letters = [letter for group in known.values() for letter in group]
    assert len(letters) == len(set(letters)) > 700
    assert (
        "A" in known["LATIN"]
        and "\N{GREEK CAPITAL LETTER ALPHA}" not in letters
        and "\N{CYRILLIC CAPITAL LETTER A}" not in letters
    )
    assert "\N{LATIN SMALL LETTER E WITH ACUTE}" not in letters
    assert all(unicodedata.category(letter).startswith("L") for letter in letters)


def test_a_bank_has_its_scripts_and_holds_others_out(known, own_home):
    bank = letter_bank(["LAO"], instances=3, size=12, seed=1)
    assert bank.letters == known["LAO"]
    assert bank.images.shape == (len(known["LAO"]), 3, 12, 12) and bank.images.dtype == "uint8"
    assert bank.images.reshape(-1, 144).max(axis=1).min() > 100  # nothing is empty
    kept = letter_bank(["LAO"], instances=3, size=12, seed=1)
    np.testing.assert_array_equal(kept.images, bank.images)
    assert len(list((own_home / "mlruns" / "cache").glob("letters-*.npz"))) == 1
    other = letter_bank(["LAO"], instances=3, size=12, seed=2, cache=False)
    assert (other.images != bank.images).any()
    apart = [np.abs(bank.images[0, 0].astype(int) - each).mean() for each in (bank.images[0, 1], bank.images[5, 0])]
    assert apart[0] > 1  # an instance is not the next one


def test_an_episode_by_hand():
    found = episodes(NUMBERED, 40, ways=3, shots=4, seed=0)
    assert found.x.shape == (40, 12, 9 + 3)
    turned = set()
    for x, labels, instances in zip(*found):
        pictures = np.round(255 * x[:, :9]).astype(int)
        assert (pictures == pictures[:, :1]).all()
        letters = pictures[:, 0] // 4
        assert len({letters[i] for i in range(12)}) == 3
        for label in range(3):
            steps = np.flatnonzero(labels == label)
            assert len(steps) == 4 and len(set(letters[steps])) == 1
            assert sorted(pictures[steps, 0] % 4) == [0, 1, 2, 3]  # each instance once
            np.testing.assert_array_equal(instances[steps], [1, 2, 3, 4])
        np.testing.assert_array_equal(x[1:, 9:], np.eye(3)[labels[:-1]])
        assert not x[0, 9:].any()
        turned.add(tuple(labels))
    assert len(turned) > 30


def test_letters_are_turned_by_quarters():
    corner = np.zeros((5, 1, 3, 3), "uint8")
    corner[:, :, 0, 0] = 255
    x = episodes(LetterBank(corner, list("abcde")), 60, ways=5, shots=1, seed=0).x
    places = {int(picture.argmax()) for episode in x for picture in episode[:, :9]}
    assert places == {0, 2, 6, 8}


def test_seeds_decide():
    first, again, other = (episodes(NUMBERED, 5, ways=3, shots=2, seed=seed) for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(first, again))
    assert (first.labels != other.labels).any()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: letter_bank(["LATINE"]), "script: expected one of .*nearest: LATIN"),
        (lambda: letter_bank(held_out=["RUNIC"]), "script: expected one of"),
        (lambda: letter_bank(["LAO"], instances=0), "instances: expected"),
        (
            lambda: episodes(NUMBERED, 1, ways=7, shots=2),
            "ways, shots: expected a bank of at least 7 letters and 2 instances, received 6 and 4",
        ),
        (lambda: episodes(NUMBERED, 1, ways=2, shots=5), "ways, shots: expected a bank of at least 2 letters and 5 instances"),
        (lambda: episodes(NUMBERED, 0), "count: expected"),
    ],
)
def test_bad_input_is_named(make, words):
    with raises(words):
        make()
