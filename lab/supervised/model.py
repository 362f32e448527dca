"""The model that Keras's `fit` trains: the network, its augmentation and its moving average."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from lab import engine
from lab.engine.types import Tensor
from lab.models.average import averaged, update_average, update_counter


@keras.saving.register_keras_serializable(package="lab")
class TrainingModel(keras.Model):
    """A network that is trained on augmented inputs and evaluated by its moving average.

        in training: x -> augmentation -> network
        otherwise:   x -> average

    Args:
        network: a built Keras model.
        augmentation: Keras layers, images -> images.
        decay: of the average, see `lab.models.average`. 0 evaluates the network itself.
    """

    def __init__(self, network: keras.Model, augmentation: Sequence[keras.layers.Layer], decay: float) -> None:
        super().__init__(name="training")
        self.augmentation = augmentation
        self.network = network
        self.average = network
        self.decay = decay
        if decay:
            self.average = averaged(network)
            self.average_updates = update_counter()
        self.built = True

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        """The outputs of the network in training, otherwise of its average."""
        if not training:
            return self.average(x, training=False)
        for layer in self.augmentation:
            x = layer(x, training=True)
        return self.network(x, training=True)

    def evaluate(self, *arguments: Any, **options: Any) -> Any:
        """Keras's, on undivided batches: the last one of a validation set cannot be divided."""
        with engine.unsharded():
            return super().evaluate(*arguments, **options)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        parts = {"network": self.network, "augmentation": list(self.augmentation)}
        return {name: keras.saving.serialize_keras_object(part) for name, part in parts.items()} | {"decay": self.decay}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> "TrainingModel":
        """A new one around a new network."""
        parts = {name: config[name] for name in ("network", "augmentation")}
        return cls(**config | keras.saving.deserialize_keras_object(parts, custom_objects=custom_objects))

    def train_step(self, *arguments: Any) -> Any:
        """Keras's update, then that of the average.

        On TensorFlow the argument is the batch. On JAX it is all state and the batch, and the step
        returns the new state.
        """
        result = super().train_step(*arguments)
        if not self.decay:
            return result
        if len(arguments) == 1:
            self._update_average()
            return result
        logs, (trained, others, *rest) = result
        values = zip([*self.trainable_variables, *self.non_trainable_variables], [*trained, *others], strict=True)
        with keras.StatelessScope(list(values)) as scope:
            self._update_average()
        return logs, (trained, [scope.get_current_value(each) for each in self.non_trainable_variables], *rest)

    def _update_average(self):
        update_average(self.average, self.network, self.decay, self.average_updates)
