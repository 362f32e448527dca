"""Early stopping whose memory is part of the state."""

from collections.abc import Iterable, Mapping

import keras
import numpy as np

from lab import engine


class EarlyStopping(keras.callbacks.Callback):
    """Ends training when the validation loss no longer falls (Prechelt 1998).

    It keeps the weights of the epoch with the lowest loss. `bring_back` restores them.

    `keras.callbacks.EarlyStopping` loses its memory at a restart. Here the best loss, the epochs
    waited and the best weights are variables, which a checkpoint can save.

    Args:
        variables: what `bring_back` restores, such as a model's weights.
        patience: training ends after so many epochs without a lower loss.
        evaluated: the variables that the validation loss is computed with, such as the moving
            averages, in the same order. Their values are kept.
    """

    def __init__(self, variables: Iterable[keras.Variable], patience: int, evaluated: Iterable[keras.Variable]) -> None:
        super().__init__()
        self.variables = list(variables)
        self.patience = patience
        self.evaluated = list(evaluated)
        self.best_loss = keras.Variable(np.inf, trainable=False, dtype="float32", name="best_loss")
        self.waited = keras.Variable(0, trainable=False, dtype="int32", name="waited")
        self.best = [keras.Variable(np.asarray(v), trainable=False, dtype=v.dtype, name="best") for v in self.variables]

    @property
    def state(self) -> list[keras.Variable]:
        """The variables that a checkpoint needs."""
        return [self.best_loss, self.waited, *self.best]

    @property
    def over(self) -> bool:
        """Whether it has waited long enough."""
        return int(self.waited) >= self.patience

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Keeps the weights of a better epoch, or counts an epoch without one."""
        loss = (logs or {})["val_loss"]
        if loss < float(self.best_loss):
            self.best_loss.assign(loss)
            self.waited.assign(0)
            for kept, variable in zip(self.best, self.evaluated, strict=True):
                kept.assign(engine.read(variable))
        else:
            self.waited.assign(self.waited + 1)
        if self.over:
            self.model.stop_training = True

    def bring_back(self) -> None:
        """Gives the variables the values of the best epoch, if there was one."""
        if np.isfinite(float(self.best_loss)):
            for variable, kept in zip(self.variables, self.best, strict=True):
                variable.assign(engine.read(kept))
