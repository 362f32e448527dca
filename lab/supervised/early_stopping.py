"""Early stopping whose memory is part of the state."""

import keras
import numpy as np

from lab import engine


class EarlyStopping(keras.callbacks.Callback):
    """Ends training after so many epochs without a lower validation loss; the best weights come back (Prechelt 1998).

    `keras.callbacks.EarlyStopping` forgets at a restart; here the best loss, the epochs waited and the best weights are variables.

    Args:
        variables: what comes back, such as a model's weights.
        patience: epochs.
        evaluated: the variables that the validation loss is of, in the same order, such as the averages'; their values come back.
    """

    def __init__(self, variables, patience, evaluated):
        super().__init__()
        self.variables = list(variables)
        self.patience = patience
        self.evaluated = list(evaluated)
        self.best_loss = keras.Variable(np.inf, trainable=False, dtype="float32", name="best_loss")
        self.waited = keras.Variable(0, trainable=False, dtype="int32", name="waited")
        self.best = [keras.Variable(np.asarray(v), trainable=False, dtype=v.dtype, name="best") for v in self.variables]

    @property
    def state(self):
        """Variables that a checkpoint needs."""
        return [self.best_loss, self.waited, *self.best]

    @property
    def over(self):
        """Whether it has waited long enough."""
        return int(self.waited) >= self.patience

    def on_epoch_end(self, epoch, logs=None):
        """Keeps the weights of a better epoch, or waits for one."""
        if logs["val_loss"] < float(self.best_loss):
            self.best_loss.assign(logs["val_loss"])
            self.waited.assign(0)
            for kept, variable in zip(self.best, self.evaluated, strict=True):
                kept.assign(engine.read(variable))
        else:
            self.waited.assign(self.waited + 1)
        if self.over:
            self.model.stop_training = True

    def bring_back(self):
        """Gives the variables their values of the best epoch, if there was one."""
        if np.isfinite(float(self.best_loss)):
            for variable, kept in zip(self.variables, self.best, strict=True):
                variable.assign(engine.read(kept))
