"""Every experiment with a memory on its code path, and its own settings alive."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

import experiments
import lab.data
from experiments import (
    dnc_repeat_copy,
    dnc_stories,
    length_generalisation,
    mann_few_shot_glyphs,
    ntm_associative_recall,
    ntm_copy,
    ntm_dynamic_ngrams,
    ntm_priority_sort,
    ntm_repeat_copy,
    seq2seq_dates,
)
from experiments.common import memory_networks
from lab.data import STORY_KINDS, STORY_WORDS, TaskSequences, copy_bits, dates, stories
from lab.supervised.recipe import Recipe
from tests.contracts import raises
from tests.experiments import fields
from tests.experiments.fields import Alive
from tests.experiments.track import Memory, undrawn
from tests.graphs import eagerly

START = {"epochs": 1, "samples": 8, "batch_size": 4, "test_samples": 4, "units": 3, "slots": 5, "width": 2, "bits": 2}
# The recipe's fields are those of tests/supervised. `cells`, `tasks`: the runs of a comparison.
OF_RECIPE = frozenset(fields.names(Recipe)) | {"cells", "tasks"}
SHARED = OF_RECIPE | frozenset(fields.names(memory_networks.MemoryNetwork))  # those of ntm_copy and dnc_repeat_copy
EXPERIMENTS = {
    "ntm_copy": Alive(
        ntm_copy,
        START | {"longest": 2},
        {
            "cell": "lrua",
            "controller": "dense",
            "units": 4,
            "slots": 6,
            "width": 3,
            "read_heads": 2,
            "write_heads": 2,
            "samples": 12,
            "test_samples": 5,
            "bits": 3,
            "longest": 3,
            "beta_2": 0.5,
            "momentum": 0.5,
        },
        {"momentum": {"optimizer": "rmsprop"}},
        left_out=OF_RECIPE | {"corrections"},
    ),
    "ntm_repeat_copy": Alive(
        ntm_repeat_copy, START | {"longest": 2, "most": 2}, {"bits": 3, "longest": 3, "most": 3}, left_out=SHARED
    ),
    "ntm_associative_recall": Alive(
        ntm_associative_recall, START | {"size": 1, "most": 2}, {"bits": 3, "size": 2, "most": 3}, left_out=SHARED
    ),
    "ntm_priority_sort": Alive(
        ntm_priority_sort, START | {"inputs": 3, "outputs": 2}, {"bits": 3, "inputs": 4, "outputs": 3}, left_out=SHARED
    ),
    "ntm_dynamic_ngrams": Alive(
        ntm_dynamic_ngrams,
        {name: value for name, value in START.items() if name != "bits"} | {"length": 6, "order": 2},
        {"length": 7, "order": 3},
        left_out=SHARED,
    ),
    "dnc_repeat_copy": Alive(
        dnc_repeat_copy,
        START | {"longest": 1, "most": 1},
        {"bits": 3, "longest": 2, "most": 2, "corrections": ("masked", "erasing")},
        left_out=SHARED - {"corrections"},
    ),
    "dnc_stories": Alive(
        dnc_stories,
        {name: value for name, value in START.items() if name != "bits"} | {"sentences": 2, "kinds": ("where",)},
        {"sentences": 3, "kinds": ("given", "above")},
        left_out=SHARED,
    ),
    "seq2seq_dates": Alive(
        seq2seq_dates,
        {"epochs": 1, "samples": 8, "batch_size": 4, "test_samples": 6, "units": 3, "embedding": 2},
        {"cell": "lstm", "units": 4, "embedding": 3, "samples": 12, "test_samples": 5},
        left_out=OF_RECIPE - {"samples"},
    ),
    "mann_few_shot_glyphs": Alive(
        mann_few_shot_glyphs,
        {name: value for name, value in START.items() if name != "bits"}
        | {"cell": "lrua", "ways": 2, "shots": 2, "size": 8, "read_heads": 2, "test_samples": 6},
        {"cell": "prototypes", "ways": 3, "shots": 3, "size": 9, "strength": 2.0},
        left_out=SHARED - {"cell"},
    ),
    "length_generalisation": Alive(
        length_generalisation,
        START | {"cell": "transformer", "task": "copy", "units": 8, "longest": 1},
        {"cell": "lstm", "task": "reverse", "bits": 3, "longest": 2},
        {"task": {"longest": 2}},
        left_out=SHARED - {"cell"},
    ),
}


@pytest.fixture(scope="module")
def observe(tmp_path_factory):
    """A function (experiment, **settings) -> (what it logged, its result)."""
    return fields.remember_undrawn(observed, tmp_path_factory)


def observed(folder, name, **settings):
    module, start, *_ = EXPERIMENTS[name]
    track = Memory(folder)
    with eagerly():
        result = module.run(module.Config(**start | settings), track)
    return track.logged, result, track


@pytest.mark.long
@pytest.mark.parametrize("name", ["ntm_copy", "mann_few_shot_glyphs", "seq2seq_dates"])
def test_the_same_settings_change_nothing(observe, tmp_path, name):
    assert observed(tmp_path, name)[:2] == observe(name)


@pytest.mark.long
@pytest.mark.parametrize(("name", "field"), fields.cases(EXPERIMENTS))
def test_every_field_changes_something(observe, name, field):
    fields.check(observe, EXPERIMENTS, name, field)


def test_errors_count_the_bits_that_are_due():
    sequences = copy_bits(2, bits=2, lengths=(1, 1), seed=0)
    right = np.where(sequences.y > 0, 5.0, -5.0)
    assert memory_networks.errors(right, sequences) == (0, 0)
    assert memory_networks.errors(-right, sequences) == (2, 100)
    half = right.copy()
    half[0] *= -1
    half[:, 0] *= -1  # where nothing is due
    assert memory_networks.errors(half, sequences) == (1, 50)


def test_an_answer_is_exact_if_all_its_characters_are():
    right = np.array([[1, 2], [3, 4], [5, 6]])
    assert seq2seq_dates.scores(np.array([[1, 2], [3, 9], [9, 6]]), right) == pytest.approx(
        {"exact": 1 / 3, "characters": 4 / 6}
    )
    assert seq2seq_dates.most_frequent(np.array([[1, 2], [1, 3], [0, 3]])).tolist() == [1, 3]


@pytest.mark.slow
def test_stories_are_written_with_answers_and_corrections(tmp_path, monkeypatch):
    told = stories(1, kinds=("given",), sentences=(2, 2), seed=0)
    monkeypatch.setattr(memory_networks, "answers", lambda network, sequences: np.eye(len(STORY_WORDS))[[[0] * 18]])
    dnc_stories.log_examples(Memory(tmp_path), None, told)
    text = "anna takes apple . who holds apple ? ANNA anna gives apple chen . who holds apple ? ANNA (right: CHEN)"
    assert (tmp_path / "stories.txt").read_text() == f"{text}\n"


@pytest.mark.long
def test_dates_and_letters_of_a_test_are_new(tmp_path, monkeypatch):
    for name in ("dates", "letters"):
        (tmp_path / name).mkdir()
    asked = []
    kept = lab.data.dates, lab.data.letter_bank, lab.data.episodes
    monkeypatch.setattr(lab.data, "dates", lambda count, **options: asked.append((count, options)) or kept[0](count, **options))
    with undrawn():
        observed(tmp_path / "dates", "seq2seq_dates")
    assert [options["held_out"] for count, options in asked if count == 6] == [True]  # START has 6 test samples
    assert not any(options.get("held_out") for count, options in asked if count != 6)
    banks, episodes = [], []
    monkeypatch.setattr(
        lab.data, "letter_bank", lambda *names, **options: banks.append((kept[1](*names, **options), names)) or banks[-1][0]
    )
    monkeypatch.setattr(
        lab.data, "episodes", lambda bank, count, **options: episodes.append((bank, count)) or kept[2](bank, count, **options)
    )
    with undrawn():
        observed(tmp_path / "letters", "mann_few_shot_glyphs")
    (known, _), (new, _) = banks
    assert not set(known.letters) & set(new.letters)
    assert [count for bank, count in episodes if bank is new] == [6]


def test_accuracies_are_those_of_the_instance():
    right, instances = np.array([[True, False, True, True]]), np.array([[1, 1, 2, 3]])
    config = mann_few_shot_glyphs.Config(shots=3, samples=16)
    assert mann_few_shot_glyphs.accuracies(config, right, instances) == {"accuracy_1": 0.5, "accuracy_2": 1, "accuracy_3": 1}


def test_what_cannot_fit_is_counted():
    def size(config):
        return sum(need.size for need in config.memory())

    assert (
        size(dnc_stories.Config(slots=3000)) > 30e9 > 1e9 > size(dnc_stories.Config(slots=3000, cell="lrua", read_heads=1)) / 5
    )
    assert size(ntm_copy.Config(cell="transformer", longest=1000)) > 64e9
    assert size(ntm_dynamic_ngrams.Config(order=20)) > 8e9


def test_the_trivial_answer_is_the_last_name_of_the_right_sort():
    words = ["anna", "enters", "attic", ".", "boris", "enters", "barn", ".", "chen", "takes", "lamp", ".", "where", "anna", "?"]
    x = np.zeros((1, len(words), len(STORY_WORDS)), "float32")
    x[0, np.arange(len(words)), [STORY_WORDS.index(word) for word in words]] = 1
    y, mask = np.zeros_like(x), np.zeros((1, len(words)), "float32")
    mask[0, -1] = y[0, -1, STORY_WORDS.index("attic")] = 1
    told = TaskSequences(x, y, mask)
    answers = dnc_stories.last_named(told)
    assert STORY_WORDS[answers[0, -1]] == "barn" and not answers[0, :-1].any()
    assert dnc_stories.accuracy(answers, told) == 0
    assert dnc_stories.accuracy(y.argmax(-1), told) == 1


def test_a_transformer_takes_smaller_steps():
    rates = [memory_networks.optimizer(ntm_copy.Config(cell=cell, units=8)).learning_rate for cell in ("ntm", "transformer")]
    assert float(rates[0]) == pytest.approx(10 * float(rates[1])) == pytest.approx(1e-2)


def test_words_of_stories_and_kinds_are_those_of_the_data():
    assert len(STORY_WORDS) == dnc_stories.WORDS and dnc_stories.KINDS == STORY_KINDS
    assert max(len(text) for text in dates(20_000, seed=0).written) == seq2seq_dates.LONGEST
    assert set("".join(dates(2_000, seed=0).written + dates(10).iso)) <= set(seq2seq_dates.CHARACTERS)


def test_an_equal_lstm_has_as_many_weights():
    config = ntm_copy.Config()
    units = memory_networks.units_of_an_equal_lstm(config, 7, 6)
    count = [
        memory_networks.network(ntm_copy.Config(**settings), 7, 6, seed=0).count_params()
        for settings in ({}, {"cell": "lstm", "units": units - 1}, {"cell": "lstm", "units": units + 1})
    ]
    assert count[1] < count[0] < count[2]


@pytest.mark.parametrize("path", sorted(Path(experiments.__file__).parent.glob("presets/*.toml")), ids=lambda path: path.stem)
def test_the_papers_settings_are_settings(path):
    module = EXPERIMENTS[path.stem.removesuffix("_paper")].module
    config = module.Config(**tomllib.loads(path.read_text()))
    assert config.schedule == "constant" and config.memory()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ntm_copy.Config(cell="ntn"), "--cell: expected one of .*nearest: ntm"),
        (lambda: ntm_copy.Config(cell=""), "--cell: expected one of"),
        (lambda: ntm_copy.Config(optimizer="sgd"), "--optimizer: expected one of adam, rmsprop, received 'sgd'"),
        (lambda: ntm_copy.Config(momentum=0.9), "--momentum: expected 0 with Adam, received 0.9"),
        (lambda: ntm_copy.Config(precision="auto"), "--precision: expected float32, for ntm is recurrent, received 'auto'"),
        (lambda: ntm_copy.Config(weight_decay=0.1), "--weight-decay: expected 0.0, for it does nothing here"),
        (lambda: length_generalisation.Config(cells=()), "--cells: expected at least one"),
        (lambda: length_generalisation.Config(tasks=("copy", "copy")), "--tasks: expected different ones"),
        (lambda: mann_few_shot_glyphs.Config(cell="ntm"), "--cell: expected one of lrua, lstm, transformer, prototypes"),
        (lambda: mann_few_shot_glyphs.Config(optimizer="sgd"), "--optimizer: expected one of adam, rmsprop"),
        (lambda: ntm_copy.Config(cell="dnc", write_heads=2), "--write-heads: expected 1 for dnc, received 2"),
        (lambda: ntm_copy.Config(corrections=("masked",)), r"--corrections: expected none for ntm, received \('masked',\)"),
        (lambda: ntm_copy.Config(slots=2), "--slots: expected at least 3, .*received 2"),
        (lambda: ntm_copy.Config(cell="lrua", slots=3, read_heads=4), "--slots: expected at least read_heads, 4, received 3"),
        (lambda: ntm_copy.Config(cell="transformer", units=79), "--units: expected a multiple of 8 .*received 79"),
        (lambda: length_generalisation.Config(tasks=("sort",)), "--tasks: expected one of copy, reverse"),
        (lambda: length_generalisation.Config(task="reverse"), "--task: expected one with --cell, and none without"),
        (lambda: length_generalisation.Config(cell="lstm"), "--task: expected one with --cell"),
        (lambda: length_generalisation.Config(cell="lstm", task="copy", slots=2), "--slots: expected at least 3"),
        (lambda: ntm_copy.Config(cell="lstm", slots=99), "--slots: expected 32, for lstm has no memory, received 99"),
        (
            lambda: ntm_copy.Config(cell="transformer", controller="dense"),
            "--controller: expected lstm, for transformer has no",
        ),
        (lambda: dnc_stories.Config(kinds=("whre",)), "--kinds: expected one of where, .*nearest: where"),
        (lambda: dnc_stories.Config(kinds=()), "--kinds: expected at least one"),
        (lambda: dnc_stories.Config(sentences=1), "--sentences: expected .*2.*received 1"),
        (lambda: dnc_stories.Config(cell="lstm", corrections=("masked",)), "--corrections: expected none for lstm"),
        (lambda: seq2seq_dates.Config(label_smoothing=0.1), "--label-smoothing: expected 0.0, for it does nothing here"),
        (lambda: ntm_priority_sort.Config(outputs=11), "--outputs: expected at most inputs, 10, received 11"),
        (lambda: ntm_dynamic_ngrams.Config(order=5, length=4), "--length: expected at least order, 5, received 4"),
        (lambda: ntm_copy.Config(batch_size=4_000), "--batch-size: expected at most samples, 2000"),
    ],
)
def test_bad_input_is_one_line(make, words):
    with raises(words):
        make()
