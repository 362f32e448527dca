"""Short generated stories with questions, for networks with a memory."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from lab import validation
from lab.data.memory_tasks import TaskSequences
from lab.validation import require_name

STORY_KINDS = ("where", "carried", "given", "above")
ACTORS = ("anna", "boris", "chen", "dora")
PLACES = ("kitchen", "garden", "office", "cellar", "attic", "barn")
THINGS = ("apple", "book", "lamp")
VERBS = ("enters", "takes", "drops", "gives", "above", "below")
ASKING = ("where", "who", "what", "holds")
STORY_WORDS = (*ACTORS, *PLACES, *THINGS, *VERBS, *ASKING, ".", "?")

STEPS = 5 + 4  # words of the longest sentence and of the longest question, with their marks
_INDEX = {word: number for number, word in enumerate(STORY_WORDS)}


def stories(
    count: int, *, kinds: str | Sequence[str] = STORY_KINDS, sentences: tuple[int, int] = (2, 6), seed: int = 0
) -> TaskSequences:
    """Stories of a small grammar. After each sentence comes a question about how things are then.

    One step is one word. An answer is one word; it is due at the question mark. Each question has
    exactly one right answer, which follows from the sentences before. Kinds, after tasks of bAbI:

        where     anna enters kitchen .                          where anna ?
        carried   and: anna takes apple .  anna drops apple .    where apple ?
        given     anna takes apple .  anna gives apple boris .   who holds apple ?
        above     attic above barn .                             what below attic ?

    "where" needs one fact, "carried" two, the others the order of two names.

    Source: the kinds 1, 2, 5 and 4 of Weston et al. 2015. Words and grammar are our own.

    Args:
        count: number of stories.
        kinds: one or some of `STORY_KINDS`; each story is of one, drawn uniformly.
        sentences: the least and the greatest number of sentences, drawn uniformly. A story of
            "above" has at most five.
        seed: of all that is drawn.

    Returns:
        x `[count, T, words]` and y `[count, T, words]`, one-hot in the order of `STORY_WORDS`,
        T = 9 x the greatest number of sentences. A story ends with steps of zeros.
    """
    count = validation.integer("count", count)
    validation.integer_range("sentences", sentences)
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    if not kinds:
        raise ValueError(f"kinds: expected at least one of {', '.join(STORY_KINDS)}, received none.")
    for kind in kinds:
        require_name("kinds", kind, STORY_KINDS)
    rng = np.random.default_rng(seed)
    steps = STEPS * sentences[1]
    x = np.zeros((count, steps, len(STORY_WORDS)), "float32")
    y = np.zeros((count, steps, len(STORY_WORDS)), "float32")
    mask = np.zeros((count, steps), "float32")
    of_kind = rng.integers(0, len(kinds), count)
    lengths = rng.integers(sentences[0], sentences[1] + 1, count)
    numbers = rng.random((count, 4 * sentences[1] + 2 * len(PLACES)))
    for row in range(count):
        choose = _Choice(iter(numbers[row]))
        words: list[int] = []
        for sentence, asked in itertools.islice(WORLDS[kinds[of_kind[row]]](choose), lengths[row]):
            question = choose(asked)
            words += [_INDEX[word] for word in f"{sentence} . {question} ?".split()]
            y[row, len(words) - 1, _INDEX[asked[question]]] = 1
            mask[row, len(words) - 1] = 1
        x[row, np.arange(len(words)), words] = 1
    return TaskSequences(x, y, mask)


def story_text(x: np.ndarray) -> str:
    """The words of one story, of its x `[T, words]`."""
    steps = np.asarray(x)
    if steps.ndim != 2 or steps.shape[1] != len(STORY_WORDS):
        raise ValueError(f"x: expected one story [T, {len(STORY_WORDS)}], received shape {steps.shape}.")
    return " ".join(STORY_WORDS[word] for word in steps[steps.any(axis=-1)].argmax(axis=-1))


class _Choice:
    """Draws from uniform numbers, so that a story needs no call of a generator for each word."""

    def __init__(self, numbers: Iterator[float]) -> None:
        self.numbers = numbers

    def __call__(self, options):
        options = list(options)
        return options[int(next(self.numbers) * len(options))]

    def order(self, options):
        """The options in random order."""
        return [option for _, option in sorted((next(self.numbers), option) for option in options)]


# Each world yields sentences without end, or until there is nothing more to tell, and with each
# the questions that can be asked then, {question: answer}.


def _where(choose):
    """Actors move."""
    at: dict[str, str] = {}
    while True:
        yield _move(choose, at), _places(at)


def _move(choose, at):
    actor = choose(ACTORS)
    at[actor] = choose(place for place in PLACES if place != at.get(actor))
    return f"{actor} enters {at[actor]}"


def _places(at):
    return {f"where {name}": place for name, place in at.items()}


def _carried(choose):
    """Actors move, take things and drop them."""
    at: dict[str, str] = {}
    holder: dict[str, str] = {}
    lies: dict[str, str] = {}
    yield _move(choose, at), _places(at)
    while True:
        near = [(actor, thing) for actor in at for thing in THINGS if lies.get(thing, at[actor]) == at[actor]]
        free = [(actor, thing) for actor, thing in near if thing not in holder]
        action = choose(["move", *["take"] * bool(free), *["drop"] * bool(holder)])
        if action == "take":
            actor, thing = choose(free)
            holder[thing] = actor
            told = f"{actor} takes {thing}"
        elif action == "drop":
            thing = choose(holder)
            actor = holder.pop(thing)
            lies[thing] = at[actor]
            told = f"{actor} drops {thing}"
        else:
            told = _move(choose, at)
        things = lies | {thing: at[actor] for thing, actor in holder.items()}
        yield told, _places(things or at)


def _given(choose):
    """Actors take things, give them to others and drop them. At least one thing is always held."""
    holder: dict[str, str] = {}
    while True:
        free = [thing for thing in THINGS if thing not in holder]
        action = choose(["take"] * bool(free) + ["give", "give"] * bool(holder) + ["drop"] * (len(holder) > 1))
        thing = choose(free if action == "take" else holder)
        if action == "take":
            holder[thing] = choose(ACTORS)
            told = f"{holder[thing]} takes {thing}"
        elif action == "give":
            giver, holder[thing] = holder[thing], choose(actor for actor in ACTORS if actor != holder[thing])
            told = f"{giver} gives {thing} {holder[thing]}"
        else:
            told = f"{holder.pop(thing)} drops {thing}"
        yield told, {f"who holds {thing}": actor for thing, actor in holder.items()}


def _above(choose):
    """Places stand one above the other. Neighbours are told in random order."""
    tower = choose.order(PLACES)
    asked: dict[str, str] = {}
    for upper, lower in choose.order(itertools.pairwise(tower)):
        asked |= {f"what above {lower}": upper, f"what below {upper}": lower}
        yield f"{upper} above {lower}", asked


WORLDS = {"where": _where, "carried": _carried, "given": _given, "above": _above}
