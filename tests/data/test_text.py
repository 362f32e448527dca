"""Corpora, vocabularies, batches of text, and the n-gram model beside them."""

import os
import sys

import numpy as np
import pytest

from lab.data import DownloadError, Vocabulary, buckets, corpus, held_out, imdb, stdlib_sources, streams, words_of
from lab.metrics import kneser_ney, sequence_perplexity
from tests.contracts import raises


def test_the_standard_library_is_a_corpus():
    texts = stdlib_sources()
    assert len(texts) > 300 and list(texts) == sorted(texts)
    assert "json/decoder.py" in texts and "class JSONDecoder" in texts["json/decoder.py"]
    assert not any(name.startswith(("test/", "site-packages/", "idlelib/")) for name in texts)


def test_a_corpus_names_what_cannot_be_read(tmp_path):
    (tmp_path / "good.py").write_text("a = 1\n")
    (tmp_path / "bad.py").write_bytes(b"\xff\xfe\xff")
    with raises([r"bad\.py: expected a UTF-8 text"]):
        corpus(tmp_path)
    assert corpus(tmp_path, unreadable="skip") == {"good.py": "a = 1\n"}
    with raises(["expected a folder of .py files, received none"]):
        corpus(tmp_path / "nowhere")
    with raises(["expected .txt files, received none that can be read"]):
        corpus(tmp_path, suffix=".txt")
    if os.getuid():
        (tmp_path / "shut").mkdir(mode=0)
        with raises(["one that cannot be read"]):
            corpus(tmp_path / "shut")


def test_whole_names_are_held_out():
    train, test = held_out("abcdefghij", 0.2, seed=1)
    assert len(test) == 2 and sorted(train + test) == list("abcdefghij") and train == sorted(train)
    assert held_out("abcdefghij", 0.2, seed=1) == (train, test) != held_out("abcdefghij", 0.2, seed=2)


def test_a_vocabulary_counts_codes_and_decodes():
    vocabulary = Vocabulary.of(["abca", "ab"])
    assert vocabulary.symbols == ("a", "b", "c") and len(vocabulary) == 5
    np.testing.assert_array_equal(vocabulary.encode("cabx"), [4, 2, 3, 1])
    assert "".join(vocabulary.decode([4, 2, 0, 3, 1])) == "cab�"
    assert Vocabulary.of(["aab", "bc"], least=2).symbols == ("a", "b")
    assert Vocabulary.of(["aab", "bc"], most=1).symbols == ("a",)
    with raises(["symbols of the vocabulary", "'x'"]):
        vocabulary.encode("cabx", unknown="refuse")
    with raises(["numbers: expected 0 to 4", "7"]):
        vocabulary.decode([7])


def test_words_are_nltks():
    assert words_of("def f(x): return x.size") == ["def", "f", "(", "x", "):", "return", "x", ".", "size"]
    assert words_of("don't stop", tokenizer="treebank") == ["do", "n't", "stop"]
    assert words_of("running flies", stemmer="porter") == ["run", "fli"]
    assert words_of("generously running", stemmer="snowball") == ["generous", "run"]
    with raises(["tokenizer: expected one of", "'bpe'"]):
        words_of("a", tokenizer="bpe")


def test_streams_go_on_from_window_to_window():
    x, y = streams(np.arange(25), 2, 3)
    assert x.shape == y.shape == (4, 2, 3)
    np.testing.assert_array_equal(x[:, 0].ravel(), np.arange(12))
    np.testing.assert_array_equal(x[:, 1].ravel(), np.arange(12, 24))
    np.testing.assert_array_equal(y, x + 1)


def test_buckets_hold_all_and_pad_little():
    lengths = np.random.default_rng(0).integers(1, 100, 1000)
    batches = buckets(lengths, 10, seed=3, epoch=1)
    np.testing.assert_array_equal(np.sort(np.concatenate(batches)), np.arange(1000))
    spread = np.mean([np.ptp(lengths[batch]) for batch in batches])
    assert spread < 10 < np.ptp(lengths[:10])
    again, other = buckets(lengths, 10, seed=3, epoch=1), buckets(lengths, 10, seed=3, epoch=2)
    assert all((a == b).all() for a, b in zip(batches, again))
    assert any((a != b).any() for a, b in zip(batches, other))
    with raises(["lengths: expected numbers >= 1", "0"]):
        buckets([3, 0], 2, seed=0)


def test_kneser_ney_is_nltks_but_for_the_uniform_floor():
    from nltk.lm import KneserNeyInterpolated
    from nltk.util import everygrams

    texts = ["abracadabra", "barbara"]
    ours = kneser_ney(texts, 3, discount=0.4)
    theirs = KneserNeyInterpolated(3, discount=0.4)
    theirs.fit((everygrams(text, max_len=3) for text in texts), [c for text in texts for c in text])
    # P(w | context) = alpha + gamma (alpha' + gamma' P(w)), and P(w) alone differs
    for context in (("b", "r"), ("a", "b"), ("r", "a"), ("d", "a")):
        for symbol in "abcdr":
            _, gamma = theirs.estimator.alpha_gamma(symbol, context)
            _, shorter = theirs.estimator.alpha_gamma(symbol, context[1:])
            floor = ours.estimator.unigram_score(symbol) - theirs.estimator.unigram_score(symbol)
            assert ours.score(symbol, context) == pytest.approx(theirs.score(symbol, context) + gamma * shorter * floor)
    for context in ((), ("a",), ("b", "r"), ("c", "a"), ("z", "z")):
        total = sum(ours.score(symbol, context) for symbol in [*"abcdr", "<UNK>"])
        assert total == pytest.approx(1), context


def test_perplexity_by_hand_and_of_what_was_never_seen():
    model = kneser_ney(["abababababab"], 2, discount=0.5)
    first = model.score("a", ())
    expected = np.exp(-(np.log(first) + np.log(model.score("b", ("a",))) + np.log(model.score("a", ("b",)))) / 3)
    assert sequence_perplexity(model, ["aba"]) == pytest.approx(expected)
    assert (
        sequence_perplexity(model, ["aba"]) < sequence_perplexity(model, ["bba"]) < sequence_perplexity(model, ["zzz"]) < np.inf
    )
    with raises(["sequences: expected at least 2 symbols"]):
        kneser_ney(["a"], 2)


def test_imdb_is_read_from_its_archive(tmp_path, monkeypatch):
    import keras

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    lists = np.array([[3, 4, 5], [6, 90, 7, 8]], dtype=object)
    path = tmp_path / "imdb.npz"
    np.savez(path, x_train=lists, y_train=np.array([1, 0]), x_test=lists[::-1], y_test=np.array([0, 1]))
    module = sys.modules[keras.datasets.imdb.load_data.__module__]
    monkeypatch.setattr(module, "get_file", lambda *arguments, **options: str(path))
    reviews, labels = imdb(words=50)
    order = np.argsort(labels)[::-1]
    assert [reviews[i] for i in order] == [[1, 6, 7, 8], [1, 9, 2, 10, 11]]  # a start, and all three higher
    assert labels.dtype == np.int32

    def fails(*arguments, **options):
        raise OSError("no route to host")

    monkeypatch.setattr(module, "get_file", fails)
    with pytest.raises(DownloadError, match=r"imdb: expected a download or imdb\.npz in .*no route to host"):
        imdb()
    with raises(["split: expected", "'valid'"]):
        imdb("valid")
