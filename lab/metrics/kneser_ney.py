"""The perplexity of an n-gram model, which a language model has to beat."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from lab import validation


def kneser_ney(sequences: Iterable[Sequence[str]], order: int = 5, *, discount: float = 0.75) -> Any:
    """NLTK's interpolated Kneser-Ney model of sequences of symbols.

    Differences from NLTK's class:

    1. The contexts before each symbol are counted once, not at each question, which would take
       hours on a corpus.
    2. The shortest context, the empty one, is interpolated with the uniform distribution. So no
       symbol of the vocabulary is impossible.

    Source: Kneser and Ney 1995; Chen and Goodman 1999, section 2.7.

    Args:
        sequences: strings or lists of symbols.
        order: symbols of an n-gram.
        discount: what is taken from each count, in (0, 1].

    Returns:
        an `nltk.lm` model: `score(symbol, context)`, `perplexity(ngrams)`.
    """
    from nltk.lm.api import LanguageModel
    from nltk.lm.models import KneserNeyInterpolated
    from nltk.util import everygrams

    validation.integer("order", order, 2)
    validation.SHARE.check("discount", discount)
    sequences = list(sequences)
    model: LanguageModel = KneserNeyInterpolated(order, discount=discount)
    symbols = [symbol for sequence in sequences for symbol in sequence]
    if len(symbols) < order:
        raise ValueError(f"sequences: expected at least {order} symbols, received {len(symbols)}.")
    model.fit((everygrams(sequence, max_len=order) for sequence in sequences), symbols)
    model.estimator = _tabulated(model, order, discount)
    return model


def sequence_perplexity(model: Any, sequences: Iterable[Sequence[str]]) -> float:
    """exp of the mean negative log-likelihood of the symbols.

    Each symbol is given up to `order` - 1 symbols before it in its sequence.

    Args:
        model: what `kneser_ney` returns.
        sequences: strings or lists of symbols.
    """
    logs = []
    for sequence in sequences:
        sequence = list(model.vocab.lookup(list(sequence)))
        for position, symbol in enumerate(sequence):
            context = tuple(sequence[max(position - model.order + 1, 0) : position])
            logs.append(np.log(model.unmasked_score(symbol, context)))
    if not logs:
        raise ValueError("sequences: expected at least one symbol, received none.")
    return float(np.exp(-np.mean(logs)))


def _tabulated(model, order, discount):
    """NLTK's estimator with tables of continuations."""
    from nltk.lm.smoothing import KneserNey

    class Tabulated(KneserNey):
        """Kneser-Ney whose continuations are counted once."""

        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            self.continuations: dict[tuple, Counter] = defaultdict(Counter)
            for length in range(2, order + 1):
                for context, following in self.counts[length].items():
                    self.continuations[context[1:]].update({word: 1 for word, count in following.items() if count})
            self.totals = {context: words.total() for context, words in self.continuations.items()}

        def _continuation_counts(self, word, context=()):
            return self.continuations[context][word] if context in self.totals else 0, self.totals.get(context, 0)

        def unigram_score(self, word):
            count, total = self._continuation_counts(word)
            types = len(self.continuations[()])
            return (max(count - discount, 0) + discount * types / len(self.vocab)) / total

        def alpha_gamma(self, word, context):
            if len(context) + 1 < order and context not in self.totals:
                return 0.0, 1.0  # seen only at the start of a sequence
            if len(context) + 1 == order:
                return super().alpha_gamma(word, context)
            following, total = self.continuations[context], self.totals[context]
            return max(following[word] - discount, 0.0) / total, discount * len(following) / total

    return Tabulated(model.vocab, model.counts, order, discount=discount)
