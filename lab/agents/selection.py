"""Model selection: the weights with the best score in greedy checks during training."""

import keras
import numpy as np


class BestSnapshot:
    """Keeps a copy of the weights that had the highest score; of equal scores, the latest.

    Deep Q-learning often loses a good policy while it goes on learning. Scores must come from
    episodes of their own. Those of training or of the final evaluation would bias the result
    upwards.

    Attributes:
        variables: the copy and its score. They are part of the run's state.
    """

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._kept = [
            keras.Variable(np.asarray(v), dtype=v.dtype, trainable=False, name=f"best_{v.name}") for v in model.variables
        ]
        self.score = keras.Variable(float("-inf"), dtype="float32", trainable=False, name="best_score")
        self.variables = [*self._kept, self.score]

    def offer(self, score: float) -> None:
        """Takes a copy if no earlier score was higher."""
        if score >= float(self.score.value):
            self.score.assign(score)
            for kept, variable in zip(self._kept, self._model.variables, strict=True):
                kept.assign(variable.value)

    def restore(self) -> None:
        """Puts the copy into the model."""
        for kept, variable in zip(self._kept, self._model.variables, strict=True):
            variable.assign(kept.value)
