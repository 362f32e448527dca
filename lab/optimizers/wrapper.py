"""The base of optimizers that wrap another one."""

from typing import Any

import keras
from keras import ops

from lab.engine.types import Tensor
from lab.optimizers.dense import dense


class WrapperOptimizer(keras.optimizers.Optimizer):
    """An optimizer around an inner one.

    The inner optimizer makes the steps. The learning rate, clipping, decay and all other options
    are its own. It receives dense gradients, even if it is one of Keras's: see `DenseOptimizer`.

    Args:
        inner: a Keras optimizer.
        name: the optimizer's name.
    """

    def __init__(self, inner: keras.optimizers.Optimizer, *, name: str | None = None) -> None:
        if not isinstance(inner, keras.optimizers.Optimizer):
            raise ValueError(f"inner: expected a Keras optimizer, received {inner!r}.")
        super().__init__(learning_rate=0.0, name=name)
        self.inner = inner

    def build(self, variables: list[keras.Variable]) -> None:
        """Makes the inner optimizer's slots and one copy of the weights."""
        if self.built:
            return
        self.inner.build(variables)
        super().build(variables)
        self._copies = self.add_optimizer_variables(variables, "kept")

    def _prepare(self, gradients, variables):
        """(dense gradients, their variables, the copies of these). Builds the optimizer if needed.

        None as variables means all.
        """
        if not self.built:
            with keras.name_scope(self.name):
                self.build(variables)
        variables = self._trainable_variables if variables is None else list(variables)
        self._check_variables_are_known(variables)
        copies = [self._copies[self._get_variable_index(variable)] for variable in variables]
        return dense(gradients, variables), variables, copies

    @property
    def variables(self) -> list[keras.Variable]:
        """The copies of the weights and the inner optimizer's variables."""
        return [*self._variables, *self.inner.variables]

    @property
    def learning_rate(self) -> Tensor:
        """The inner optimizer's learning rate."""
        return self.inner.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.inner.learning_rate = learning_rate

    @property
    def iterations(self) -> keras.Variable:
        """The number of steps of the inner optimizer."""
        return self.inner.iterations

    def scale_loss(self, loss: Tensor) -> Tensor:
        """Scales the loss as the inner optimizer does."""
        return self.inner.scale_loss(loss)

    def finalize_variable_values(self, var_list: list[keras.Variable]) -> None:
        """Finalises the variables as the inner optimizer does."""
        self.inner.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        """The configuration of the inner optimizer, and the name."""
        return {"name": self.name, "inner": keras.saving.serialize_keras_object(self.inner)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> keras.optimizers.Optimizer:
        """A new optimizer around a new inner one."""
        inner = keras.saving.deserialize_keras_object(config["inner"], custom_objects=custom_objects)
        return cls(**(config | {"inner": inner}))


class TwoStepOptimizer(WrapperOptimizer):
    """A wrapper that takes the gradient at another point and applies it at the original one.

    A subclass moves the weights after `_store_weights`. `apply` restores them and makes the step.
    """

    def build(self, variables: list[keras.Variable]) -> None:
        """Makes the copies, and a flag that says whether the weights are at the other point."""
        if self.built:
            return
        super().build(variables)
        self._away = self.add_variable((), dtype="bool", name="away")

    def _store_weights(self, gradients, variables):
        """Stores the weights until `apply`. A second call keeps the first ones.

        Returns dense gradients and their variables.
        """
        gradients, variables, copies = self._prepare(gradients, variables)
        for copy, variable in zip(copies, variables, strict=True):
            copy.assign(choose(self._away, copy, variable))
        self._away.assign(True)
        return gradients, variables

    def apply(self, grads: list[Tensor], trainable_variables: list[keras.Variable] | None = None) -> None:
        """Restores the stored weights, if there are any, and makes the inner optimizer's step."""
        grads, variables, copies = self._prepare(grads, trainable_variables)
        for copy, variable in zip(copies, variables, strict=True):
            variable.assign(choose(self._away, copy, variable))
        self._away.assign(False)
        self.inner.apply(grads, variables)


def choose(condition: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """The first variable's value if the condition holds, else the second's."""
    return ops.where(*(ops.convert_to_tensor(value) for value in (condition, first, second)))
