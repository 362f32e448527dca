"""Text: corpora, characters and words as numbers, and batches of sequences of many lengths."""

import os
import sysconfig
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from lab import validation
from lab.data.folders import files_below
from lab.engine import seeds
from lab.errors import DownloadError

APART = {  # of the standard library
    "site-packages",
    "test",
    "tests",
    "idle_test",
    "idlelib",
    "lib2to3",
    "__pycache__",
    "pydoc_data",
    "lib-dynload",
}
STEMMERS = ("porter", "snowball")


def stdlib_sources() -> dict[str, str]:
    """The sources of Python's standard library: {"package/module.py": text}, sorted by name.

    Tests, IDLE and data are left out. Another version of Python has other texts, so an experiment
    keeps a digest of them.
    """
    return corpus(sysconfig.get_paths()["stdlib"], without=APART, unreadable="skip")


def corpus(
    folder: str | Path, *, suffix: str = ".py", without: Collection[str] = (), unreadable: str = "refuse"
) -> dict[str, str]:
    """Every text below a folder whose name ends with a suffix: {path: text}, sorted by path.

    `lab.data.folders` says which files count.

    Args:
        folder: where the texts are.
        suffix: how their names end.
        without: names of folders and files that are left out wherever they are.
        unreadable: "refuse" raises at a folder that cannot be opened, or a file that is no UTF-8
            text, and names it. "skip" leaves it out.
    """
    folder = Path(folder)
    texts = {}

    def wanted(name):
        return name.endswith(suffix)

    for path in files_below(folder, f"{suffix} files", wanted, without=without, unreadable=unreadable):
        try:
            texts[path.relative_to(folder).as_posix()] = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            if unreadable == "refuse":
                raise ValueError(f"{path}: expected a UTF-8 text, received a file that cannot be read ({error}).") from error
    if not texts:
        raise ValueError(f"{folder}: expected {suffix} files, received none that can be read.")
    return texts


def held_out(names: Iterable[str], share: float, *, seed: int = 0) -> tuple[list[str], list[str]]:
    """(names to train on, names held out), drawn at random, at least one of each.

    Args:
        names: at least two.
        share: of the names that are held out, in (0, 1).
        seed: of which ones.
    """
    names = list(names)
    validation.Interval(over=0, below=1).check("share", share)
    if len(names) < 2:
        raise ValueError(f"names: expected at least 2, received {len(names)}.")
    count = min(max(round(share * len(names)), 1), len(names) - 1)
    order = np.random.default_rng(seed).permutation(len(names))
    return [names[i] for i in sorted(order[count:])], [names[i] for i in sorted(order[:count])]


class Vocabulary:
    """Symbols, characters or words, as integers.

        0        padding
        1        unknown
        2 ...    the symbols, in their order

    Args:
        symbols: all symbols but those two. `Vocabulary.of` puts the most frequent first.
    """

    PADDING, UNKNOWN = 0, 1

    def __init__(self, symbols: Iterable[str]) -> None:
        self.symbols = tuple(symbols)
        if len(set(self.symbols)) != len(self.symbols) or not self.symbols:
            raise ValueError(f"symbols: expected different ones, at least one, received {len(self.symbols)}.")
        self._numbers = {symbol: number for number, symbol in enumerate(self.symbols, start=2)}

    @classmethod
    def of(cls, sequences: Iterable[Iterable[str]], *, least: int = 1, most: int | None = None) -> "Vocabulary":
        """The symbols of sequences, the most frequent first. A string is a sequence of characters.

        Args:
            sequences: strings or lists of symbols.
            least: a symbol must occur this often.
            most: number of symbols that are kept; None keeps all.
        """
        counts = Counter(symbol for sequence in sequences for symbol in sequence)
        kept = [symbol for symbol, count in counts.items() if count >= least]
        return cls(sorted(kept, key=lambda symbol: (-counts[symbol], symbol))[:most])

    def __len__(self):
        return len(self.symbols) + 2

    def encode(self, sequence: Sequence[str], *, unknown: str = "mark") -> np.ndarray:
        """The numbers of a sequence, int32 `[T]`.

        Args:
            sequence: a string or a list of symbols.
            unknown: what becomes of symbols that are not in the vocabulary. "mark" gives them 1.
                "refuse" raises and names them.
        """
        if unknown not in ("mark", "refuse"):
            raise ValueError(f"unknown: expected 'mark' or 'refuse', received {unknown!r}.")
        if unknown == "refuse":
            missing = sorted({symbol for symbol in sequence if symbol not in self._numbers})
            if missing:
                raise ValueError(f"text: expected symbols of the vocabulary, received {', '.join(map(repr, missing[:10]))}.")
        return np.array([self._numbers.get(symbol, self.UNKNOWN) for symbol in sequence], "int32")

    def decode(self, numbers: ArrayLike, *, unknown: str = "�") -> list[str]:
        """The symbols of numbers, as a list without padding.

        Args:
            numbers: integers `[T]`.
            unknown: what stands for 1.
        """
        numbers = np.asarray(numbers)
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(self):
            raise ValueError(f"numbers: expected 0 to {len(self) - 1}, received {numbers.min()} to {numbers.max()}.")
        return [self.symbols[number - 2] if number > 1 else unknown for number in numbers.tolist() if number]


def words_of(text: str, *, tokenizer: str = "wordpunct", stemmer: str | None = None) -> list[str]:
    """The words of a text, by NLTK.

    Args:
        text: any text.
        tokenizer: "wordpunct" (runs of letters, of digits and of signs), "treebank" (the rules of
            the Penn Treebank) or "whitespace".
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


def streams(numbers: ArrayLike, rows: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """A long sequence `[T]`, cut into `rows` parts side by side, window after window.

    A recurrent network that keeps its state from a window to the next one reads each part as a
    whole.

    Args:
        numbers: integers `[T]`.
        rows: number of parts.
        length: steps of a window.

    Returns:
        (x, y) int32 `[windows, rows, length]`. y is one symbol later than x.
    """
    numbers = np.asarray(numbers, "int32")
    rows = validation.integer("rows", rows)
    length = validation.integer("length", length)
    count = (len(numbers) - 1) // (rows * length)
    if count < 1:
        raise ValueError(f"numbers: expected at least {rows * length + 1} symbols, for one window, received {len(numbers)}.")

    def cut(part):
        return part[: rows * count * length].reshape(rows, count, length).swapaxes(0, 1).copy()

    return cut(numbers[:-1]), cut(numbers[1:])


def buckets(lengths: ArrayLike, batch_size: int, *, seed: int, epoch: int = 0, pool: int = 20) -> list[np.ndarray]:
    """Batches of sequences of similar lengths, so that little is padded.

    Their order depends on seed and epoch alone.

    Args:
        lengths: of the sequences, each >= 1.
        batch_size: sequences in a batch.
        seed, epoch: of the order.
        pool: this many batches are sorted by length together. More pad less and mix less.

    Returns:
        arrays of indices of the sequences, one for each batch.
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


def imdb(split: str = "train", *, words: int = 20_000) -> tuple[list[list[int]], np.ndarray]:
    """IMDB's film reviews by `keras.datasets`, which downloads them once.

    Args:
        split: "train" or "test".
        words: number of the most frequent words that are kept. 0 is padding, 1 a start, 2 an
            unknown word.

    Returns:
        (lists of word numbers, labels int32 `[N]`: 1 for praise).

    Raises:
        DownloadError: the download failed. The message says where to put the file by hand.
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
