"""Text: Python's own sources as a corpus, characters and words as numbers, sequences of many lengths in batches."""

import os
import sysconfig
from collections import Counter
from pathlib import Path

import numpy as np

from lab import validation
from lab.data.folders import files_below
from lab.data.images import DownloadError
from lab.engine import seeds

APART = {"site-packages", "test", "tests", "idle_test", "idlelib", "lib2to3", "__pycache__", "pydoc_data", "lib-dynload"}
STEMMERS = ("porter", "snowball")


def stdlib_sources():
    """The sources of Python's standard library: {"package/module.py": text}, in the order of their names; tests, IDLE and data left out.

    Another version of Python has other texts: an experiment keeps a digest of them.
    """
    return corpus(sysconfig.get_paths()["stdlib"], without=APART, unreadable="skip")


def corpus(folder, *, suffix=".py", without=(), unreadable="refuse"):
    """Every text below a folder whose name ends so: {path: text}, in the order of the paths; `lab.data.folders` says which files count.

    Args:
        without: names of folders and files that are left out wherever they are.
        unreadable: "refuse" stops at a folder that cannot be opened or a file that is no UTF-8 text and names it, "skip" leaves it out.
    """
    folder, texts = Path(folder), {}
    for path in files_below(
        folder, f"{suffix} files", lambda name: name.endswith(suffix), without=without, unreadable=unreadable
    ):
        name = path.relative_to(folder)
        try:
            texts[name.as_posix()] = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            if unreadable == "refuse":
                raise ValueError(f"{path}: expected a UTF-8 text, received a file that cannot be read ({error}).") from error
    if not texts:
        raise ValueError(f"{folder}: expected {suffix} files, received none that can be read.")
    return texts


def held_out(names, share, *, seed=0):
    """(names to train on, names held out), whole names in random order: at least one of each."""
    names = list(names)
    validation.Interval(over=0, below=1).check("share", share)
    if len(names) < 2:
        raise ValueError(f"names: expected at least 2, received {len(names)}.")
    count = min(max(round(share * len(names)), 1), len(names) - 1)
    order = np.random.default_rng(seed).permutation(len(names))
    return [names[i] for i in sorted(order[count:])], [names[i] for i in sorted(order[:count])]


class Vocabulary:
    """Symbols, characters or words, as integers: 0 is padding, 1 what is unknown, then the most frequent first.

    Args:
        symbols: what there is, without the two.
    """

    PADDING, UNKNOWN = 0, 1

    def __init__(self, symbols):
        self.symbols = tuple(symbols)
        if len(set(self.symbols)) != len(self.symbols) or not self.symbols:
            raise ValueError(f"symbols: expected different ones, at least one, received {len(self.symbols)}.")
        self._numbers = {symbol: number for number, symbol in enumerate(self.symbols, start=2)}

    @classmethod
    def of(cls, sequences, *, least=1, most=None):
        """The symbols of sequences (a string is one of characters), those that occur `least` times, `most` of them at most."""
        counts = Counter(symbol for sequence in sequences for symbol in sequence)
        kept = [symbol for symbol, count in counts.items() if count >= least]
        return cls(sorted(kept, key=lambda symbol: (-counts[symbol], symbol))[:most])

    def __len__(self):
        return len(self.symbols) + 2

    def encode(self, sequence, *, unknown="mark"):
        """Its symbols as int32 `[T]`; those that are not here are 1 ("mark") or refused by name ("refuse")."""
        if unknown not in ("mark", "refuse"):
            raise ValueError(f"unknown: expected 'mark' or 'refuse', received {unknown!r}.")
        if unknown == "refuse":
            missing = sorted({symbol for symbol in sequence if symbol not in self._numbers})
            if missing:
                raise ValueError(f"text: expected symbols of the vocabulary, received {', '.join(map(repr, missing[:10]))}.")
        return np.array([self._numbers.get(symbol, self.UNKNOWN) for symbol in sequence], "int32")

    def decode(self, numbers, *, unknown="�"):
        """The symbols of numbers, padding left out, as a list."""
        numbers = np.asarray(numbers)
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(self):
            raise ValueError(f"numbers: expected 0 to {len(self) - 1}, received {numbers.min()} to {numbers.max()}.")
        return [self.symbols[number - 2] if number > 1 else unknown for number in numbers.tolist() if number]


def words_of(text, *, tokenizer="wordpunct", stemmer=None):
    """The words of a text, by NLTK.

    Args:
        tokenizer: "wordpunct" (runs of letters, of digits and of signs), "treebank" (Penn Treebank's rules) or "whitespace".
        stemmer: "porter" (Porter 1980), "snowball" (his later one, for English) or None.
    """
    from nltk.stem import PorterStemmer, SnowballStemmer
    from nltk.tokenize import NLTKWordTokenizer, WhitespaceTokenizer, WordPunctTokenizer

    kinds = {"wordpunct": WordPunctTokenizer, "treebank": NLTKWordTokenizer, "whitespace": WhitespaceTokenizer}
    if tokenizer not in kinds:
        raise ValueError(f"tokenizer: expected one of {', '.join(kinds)}, received {tokenizer!r}.")
    if stemmer not in (None, *STEMMERS):
        raise ValueError(f"stemmer: expected one of {', '.join(STEMMERS)} or None, received {stemmer!r}.")
    words = kinds[tokenizer]().tokenize(text)
    if stemmer is None:
        return words
    stem = (PorterStemmer() if stemmer == "porter" else SnowballStemmer("english")).stem
    return [stem(word) for word in words]


def streams(numbers, rows, length):
    """(x, y) int32 `[windows, rows, length]`: a long sequence `[T]` in `rows` parts side by side, window after window; y is one symbol later.

    A recurrent network that keeps its state from a window to the next one reads each part as a whole.
    """
    numbers, rows, length = np.asarray(numbers, "int32"), validation.integer("rows", rows), validation.integer("length", length)
    count = (len(numbers) - 1) // (rows * length)
    if count < 1:
        raise ValueError(f"numbers: expected at least {rows * length + 1} symbols, for one window, received {len(numbers)}.")

    def cut(part):
        return part[: rows * count * length].reshape(rows, count, length).swapaxes(0, 1).copy()

    return cut(numbers[:-1]), cut(numbers[1:])


def buckets(lengths, batch_size, *, seed, epoch=0, pool=20):
    """Batches of indices of sequences of like lengths, so that little is padded; an order that depends on seed and epoch alone.

    Args:
        lengths: of the sequences, each >= 1.
        pool: batches that are sorted by length together; more pad less and mix less.
    """
    lengths, batch_size = np.asarray(lengths), validation.integer("batch_size", batch_size)
    if lengths.ndim != 1 or not len(lengths) or lengths.min() < 1:
        raise ValueError(f"lengths: expected numbers >= 1, received {lengths.min() if lengths.size else 'none'}.")
    rng = seeds.generator("buckets", seed, epoch)
    order = rng.permutation(len(lengths))
    size = batch_size * validation.integer("pool", pool)
    batches = []
    for start in range(0, len(order), size):
        pooled = order[start : start + size]
        pooled = pooled[np.argsort(lengths[pooled], kind="stable")]
        batches += [pooled[i : i + batch_size] for i in range(0, len(pooled), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def imdb(split="train", *, words=20_000):
    """IMDB's film reviews by `keras.datasets`, which downloads them once: (lists of word numbers, labels int32 `[N]`, 1 for praise).

    Args:
        split: "train" or "test".
        words: the most frequent ones, that are kept; 0 is padding, 1 a start, 2 what is unknown.

    Raises:
        DownloadError: it could not be downloaded; says where the file may be put by hand.
    """
    import keras

    if split not in ("train", "test"):
        raise ValueError(f"split: expected 'train' or 'test', received {split!r}.")
    words = validation.integer("words", words, 3)
    folder = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets"
    try:
        loaded = keras.datasets.imdb.load_data(num_words=words)
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DownloadError(f"imdb: expected a download or imdb.npz in {folder}, received: {reason}") from error
    reviews, labels = loaded[0 if split == "train" else 1]
    return [list(review) for review in reviews], labels.astype("int32")
