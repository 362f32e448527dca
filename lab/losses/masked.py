"""The loss and the errors of sequences in which only some steps are due.

Targets are y and their mask side by side, `[B, T, K + 1]`: `lab.data.TaskSequences.targets`.
"""

from keras import ops

from lab.engine.types import Tensor
from lab.losses.binary_crossentropy import binary_crossentropy
from lab.losses.categorical_crossentropy import categorical_crossentropy


def masked_binary_crossentropy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean cross-entropy of the bits that are due, in nats; a scalar.

        sum_t m_t sum_k H(y_tk, z_tk) / (K sum_t m_t)

    Args:
        y_true: y in 0..1 and m, `[B, T, K + 1]`, m the last.
        y_pred: logits z, `[B, T, K]`.
    """
    y, mask = _parts(y_true, y_pred)
    total = ops.sum(mask[..., None] * binary_crossentropy(y, y_pred))
    return total / (y.shape[-1] * _or_one(ops.sum(mask)))


def wrong_bits(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """How many bits that are due a sequence has wrong, `[B]`.

    A bit is read as 1 where its logit is above 0. Arguments as of `masked_binary_crossentropy`.
    """
    y, mask = _parts(y_true, y_pred)
    wrong = ops.cast(ops.not_equal(y > 0.5, y_pred > 0), "float32")
    return ops.sum(wrong * ops.cast(mask, "float32")[..., None], axis=(1, 2))


def masked_categorical_crossentropy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean cross-entropy of the answers that are due, in nats; a scalar.

        sum_t m_t H(y_t, softmax(z_t)) / sum_t m_t

    Args:
        y_true: y one-hot and m, `[B, T, K + 1]`, m the last.
        y_pred: logits z, `[B, T, K]`.
    """
    y, mask = _parts(y_true, y_pred)
    return ops.sum(mask * categorical_crossentropy(y, y_pred)) / _or_one(ops.sum(mask))


def right_answers(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The share of a sequence's answers that are right, `[B]`; 0 where none is due.

    The answer is the class with the greatest logit. Arguments as of
    `masked_categorical_crossentropy`.
    """
    y, mask = _parts(y_true, y_pred)
    right = ops.cast(ops.equal(ops.argmax(y, axis=-1), ops.argmax(y_pred, axis=-1)), "float32")
    mask = ops.cast(mask, "float32")
    return ops.sum(right * mask, axis=1) / _or_one(ops.sum(mask, axis=1))


def _parts(y_true, y_pred):
    """y `[B, T, K]` and its mask `[B, T]`."""
    targets, outputs = tuple(y_true.shape), tuple(y_pred.shape)
    fit = len(targets) == len(outputs) == 3
    if fit:
        expected = (*outputs[:2], outputs[2] + 1)  # a size that a graph does not know is None
        fit = all(one == other for one, other in zip(targets, expected) if one is not None and other is not None)
    if not fit:
        raise ValueError(f"y_true: expected y and its mask [B, T, K + 1] of logits {outputs}, received {targets}.")
    return y_true[..., :-1], ops.cast(y_true[..., -1], y_pred.dtype)


def _or_one(total):
    """The total, or 1 where it is 0."""
    return ops.where(total > 0, total, 1.0)
