"""Stories follow their grammar, and answers follow from the stories."""

import numpy as np
import pytest

from lab.data import STORY_KINDS, STORY_WORDS, stories, story_text
from lab.data.stories import ACTORS, PLACES, THINGS
from tests.contracts import raises


def replayed(words, question):
    """The answer to a question after a story, by acting the story out."""
    at, holder, lies, above = {}, {}, {}, {}
    for sentence in " ".join(words).split(" . "):
        match sentence.rstrip(" .").split():
            case actor, "enters", place:
                assert actor in ACTORS and place in PLACES and at.get(actor) != place
                at[actor] = place
            case actor, "takes", thing:
                assert actor in ACTORS and thing in THINGS and thing not in holder
                assert lies.pop(thing, at.get(actor)) == at.get(actor)
                holder[thing] = actor
            case actor, "drops", thing:
                assert holder.pop(thing) == actor
                lies[thing] = at.get(actor)
            case giver, "gives", thing, receiver:
                assert holder[thing] == giver != receiver and receiver in ACTORS
                holder[thing] = receiver
            case upper, "above", lower:
                assert upper not in above and lower not in above.values()
                above[upper] = lower
            case other:
                raise AssertionError(other)
    match question:
        case "where", name, "?":
            return at[name] if name in ACTORS else at[holder[name]] if name in holder else lies[name]
        case "who", "holds", thing, "?":
            return holder[thing]
        case "what", "below", place, "?":
            return above[place]
        case "what", "above", place, "?":
            return {lower: upper for upper, lower in above.items()}[place]


@pytest.mark.parametrize("kind", STORY_KINDS)
def test_answers_follow_from_the_story(kind):
    told = stories(300, kinds=(kind,), sentences=(2, 14), seed=0)
    assert told.x.shape == (300, 9 * 14, len(STORY_WORDS)) == told.y.shape
    lengths, answers = set(), set()
    for x, y, mask in zip(*told):
        words = story_text(x).split()
        assert x[: len(words)].sum(axis=-1).tolist() == [1] * len(words) and not x[len(words) :].any()
        marks = [step for step, word in enumerate(words) if word == "?"]
        np.testing.assert_array_equal(np.flatnonzero(mask), marks)
        np.testing.assert_array_equal(np.flatnonzero(y.any(axis=-1)), marks)
        before, start = [], 0
        for mark in marks:
            stop = words.index(".", start) + 1
            before += words[start:stop]
            answer = STORY_WORDS[y[mark].argmax()]
            assert answer == replayed(before, tuple(words[stop : mark + 1])), words
            answers.add(answer)
            start = mark + 1
        assert start == len(words)
        lengths.add(len(marks))
    assert lengths == set(range(2, 6 if kind == "above" else 15))
    assert answers == set(ACTORS if kind == "given" else PLACES)


def test_all_kinds_are_told_and_a_seed_tells_the_same_again():
    told = stories(100, seed=3)
    for word in ("enters", "drops", "gives", "above"):
        assert told.x[..., STORY_WORDS.index(word)].any()
    np.testing.assert_array_equal(told.x, stories(100, seed=3).x)
    assert not np.array_equal(told.x, stories(100, seed=4).x)


@pytest.mark.parametrize("kind", STORY_KINDS)
def test_stories_of_one_sentence(kind):
    told = stories(50, kinds=kind, sentences=(1, 1), seed=0)
    assert (told.mask.sum(axis=1) == 1).all() and told.x.shape[1] == 9


def test_kinds_are_uniform():
    told = stories(2_000, seed=0)
    signs = {"above": "above", "given": "who", "moves": "enters"}  # where and carried move
    shares = {name: told.x[..., STORY_WORDS.index(word)].any(axis=1).mean() for name, word in signs.items()}
    assert shares == pytest.approx({"above": 0.25, "given": 0.25, "moves": 0.5}, abs=0.04)


def test_the_shortest_story():
    told = stories(1, kinds=("given",), sentences=(1, 1), seed=0)
    assert story_text(told.x[0]) == "anna takes apple . who holds apple ?"
    assert told.mask[0].tolist() == [0] * 7 + [1, 0]
    assert STORY_WORDS[told.y[0, 7].argmax()] == "anna"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"count": 0}, "count: expected an integer >= 1, received 0"),
        ({"sentences": (0, 4)}, r"sentences: expected \(least, greatest\) with 1 <= least <= greatest, received \(0, 4\)"),
        ({"sentences": (5, 4)}, "sentences: expected"),
        ({"sentences": 3}, r"sentences: expected \(least, greatest\), two integers, received 3"),
        ({"sentences": (2.0, 6.0)}, r"sentences: expected \(least, greatest\), two integers, received \(2.0, 6.0\)"),
        ({"kinds": ()}, "kinds: expected at least one of where, carried, given, above, received none"),
        ({"kinds": ("whre",)}, "kinds: expected one of where, carried, given, above, received 'whre'.*nearest: where"),
    ],
)
def test_bad_input_is_one_line(settings, words):
    with raises(words):
        stories(**{"count": 3} | settings)


@pytest.mark.parametrize("shape", [(25,), (2, 3, 25), (30, 30)])
def test_a_text_is_of_one_story(shape):
    with raises(r"x: expected one story \[T, 25\], received shape"):
        story_text(np.ones(shape))
