"""Short generated stories with questions, for networks with a memory."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from lab import validation
from lab.data.memory_tasks import TaskSequences, check_range
from lab.validation import require_name

STORY_KINDS = ("where", "carried", "given", "above")
ACTORS = ("anna", "boris", "chen", "dora")
PLACES = ("kitchen", "garden", "office", "cellar", "attic", "barn")
THINGS = ("apple", "book", "lamp")
VERBS = ("enters", "takes", "drops", "gives", "above", "below")
ASKING = ("where", "who", "what", "holds")
STORY_WORDS = (*ACTORS, *PLACES, *THINGS, *VERBS, *ASKING, ".", "?")

LONGEST_SENTENCE, QUESTION = 5, 4  # words, with the mark
_INDEX = {word: number for number, word in enumerate(STORY_WORDS)}


def stories(
    count: int,
    *,
    kinds: Sequence[str] = STORY_KINDS,
    sentences: tuple[int, int] = (2, 8),
    questions: int = 2,
    seed: int = 0,
) -> TaskSequences:
    """Stories of a small grammar, and questions about how things are at the end.

    One step is one word. An answer is one word; it is due at the question mark. Each question has
    exactly one right answer, which follows from the story. Kinds, after tasks of bAbI:

        where     anna enters kitchen .                          where anna ?
        carried   and: anna takes apple .  anna drops apple .    where apple ?
        given     anna takes apple .  anna gives apple boris .   who holds apple ?
        above     attic above barn .                             what below attic ?

    "where" needs one fact, "carried" two or three, the others the order of two names.

    Source: the kinds 1, 2, 5 and 4 of Weston et al. 2015. Words and grammar are our own.

    Args:
        count: number of stories.
        kinds: some of `STORY_KINDS`; each story is of one, drawn uniformly.
        sentences: the least, >= 2, and the greatest number of sentences, drawn uniformly. A story
            of "above" has at most five.
        questions: of each story, after its sentences.
        seed: of all that is drawn.

    Returns:
        x `[count, T, words]` and y `[count, T, words]`, one-hot in the order of `STORY_WORDS`,
        T = 5 x the greatest number of sentences + 4 x questions. A story ends with steps of zeros.
    """
    count, questions = validation.integer("count", count), validation.integer("questions", questions)
    check_range("sentences", sentences, 2)
    if not kinds:
        raise ValueError(f"kinds: expected at least one of {', '.join(STORY_KINDS)}, received none.")
    for kind in kinds:
        require_name("kinds", kind, STORY_KINDS)
    rng = np.random.default_rng(seed)
    steps = LONGEST_SENTENCE * sentences[1] + QUESTION * questions
    x = np.zeros((count, steps, len(STORY_WORDS)), "float32")
    y = np.zeros((count, steps, len(STORY_WORDS)), "float32")
    mask = np.zeros((count, steps), "float32")
    of_kind = rng.integers(0, len(kinds), count)
    lengths = rng.integers(sentences[0], sentences[1] + 1, count)
    numbers = rng.random((count, 8 * sentences[1] + 2 * questions + len(PLACES)))
    for row in range(count):
        told, asked = WORLDS[kinds[of_kind[row]]](_Choice(iter(numbers[row])), int(lengths[row]), questions)
        words = [_INDEX[word] for sentence in told for word in f"{sentence} .".split()]
        for question, answer in asked:
            words += [_INDEX[word] for word in f"{question} ?".split()]
            y[row, len(words) - 1, _INDEX[answer]] = 1
            mask[row, len(words) - 1] = 1
        x[row, np.arange(len(words)), words] = 1
    return TaskSequences(x, y, mask)


def story_text(x: np.ndarray) -> str:
    """The words of a story, of x `[T, words]`."""
    steps = np.asarray(x)
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


class _World:
    """Where actors and things are, and what was told."""

    def __init__(self) -> None:
        self.at: dict[str, str] = {}  # actor: place
        self.holder: dict[str, str] = {}  # thing: actor
        self.lies: dict[str, str] = {}  # thing: place
        self.told: list[str] = []

    def enter(self, actor, place):
        self.at[actor] = place
        self.told.append(f"{actor} enters {place}")

    def take(self, actor, thing):
        self.holder[thing] = actor
        self.lies.pop(thing, None)
        self.told.append(f"{actor} takes {thing}")

    def drop(self, thing):
        actor = self.holder.pop(thing)
        if actor in self.at:
            self.lies[thing] = self.at[actor]
        self.told.append(f"{actor} drops {thing}")

    def give(self, thing, receiver):
        giver, self.holder[thing] = self.holder[thing], receiver
        self.told.append(f"{giver} gives {thing} {receiver}")


def _where(choose, length, questions):
    """Actors move."""
    world = _World()
    for _ in range(length):
        _move(choose, world)
    return world.told, [(f"where {actor}", world.at[actor]) for actor in (choose(world.at) for _ in range(questions))]


def _move(choose, world):
    actor = choose(ACTORS)
    world.enter(actor, choose(place for place in PLACES if place != world.at.get(actor)))


def _carried(choose, length, questions):
    """Actors move, take things and drop them."""
    world = _World()
    _move(choose, world)
    while len(world.told) < length:
        at, holder, lies = world.at, world.holder, world.lies
        near = [(actor, thing) for actor in at for thing in THINGS if lies.get(thing, at[actor]) == at[actor]]
        free = [(actor, thing) for actor, thing in near if thing not in holder]
        first = not lies and not holder  # there must be something to ask about
        action = "take" if first else choose(("move", *["take"] * bool(free), *["drop"] * bool(holder)))
        if action == "take":
            world.take(*choose(free))
        elif action == "drop":
            world.drop(choose(sorted(holder)))
        else:
            _move(choose, world)
    places = world.lies | {thing: world.at[actor] for thing, actor in world.holder.items()}
    return world.told, [(f"where {thing}", places[thing]) for thing in (choose(sorted(places)) for _ in range(questions))]


def _given(choose, length, questions):
    """Actors take things, give them to others and drop them. At least one thing is always held."""
    world = _World()
    while len(world.told) < length:
        held = sorted(world.holder)
        free = [thing for thing in THINGS if thing not in held]
        action = choose(["take"] * bool(free) + ["give", "give"] * bool(held) + ["drop"] * (len(held) > 1))
        thing = choose(free if action == "take" else held)
        if action == "take":
            world.take(choose(ACTORS), thing)
        elif action == "give":
            world.give(thing, choose(actor for actor in ACTORS if actor != world.holder[thing]))
        else:
            world.drop(thing)
    asked = [choose(sorted(world.holder)) for _ in range(questions)]
    return world.told, [(f"who holds {thing}", world.holder[thing]) for thing in asked]


def _above(choose, length, questions):
    """Places stand one above the other. Neighbours are told in random order."""
    tower = choose.order(PLACES)[: min(length, len(PLACES) - 1) + 1]
    pairs = list(itertools.pairwise(tower))
    told = choose.order([f"{upper} above {lower}" for upper, lower in pairs])
    asked = []
    for _ in range(questions):
        upper, lower = choose(pairs)
        asked.append(choose(((f"what above {lower}", upper), (f"what below {upper}", lower))))
    return told, asked


WORLDS = {"where": _where, "carried": _carried, "given": _given, "above": _above}
