"""The base of optimizers that steer another one."""

import keras
from keras import ops

from lab.optimizers.dense import dense


class WrapperOptimizer(keras.optimizers.Optimizer):
    """An optimizer around an inner one, which makes the steps and has the learning rate, clipping, decay and the rest.

    Gradients are made whole for the inner optimizer, also for one of Keras's: see `DenseOptimizer`.

    Args:
        inner: a Keras optimizer.
        name: the optimizer's name.
    """

    def __init__(self, inner, *, name=None):
        if not isinstance(inner, keras.optimizers.Optimizer):
            raise ValueError(f"inner: expected a Keras optimizer, received {inner!r}.")
        super().__init__(learning_rate=0.0, name=name)
        self.inner = inner

    def build(self, variables):
        """Makes the inner optimizer's slots and one copy of the weights, `kept`."""
        if self.built:
            return
        self.inner.build(variables)
        super().build(variables)
        self._kept = self.add_optimizer_variables(variables, "kept")

    def _known(self, gradients, variables):
        """Whole gradients, their variables (all of them for None) and the copies of these, made sure that they exist."""
        if not self.built:
            with keras.name_scope(self.name):
                self.build(variables)
        variables = self._trainable_variables if variables is None else list(variables)
        self._check_variables_are_known(variables)
        kept = [self._kept[self._get_variable_index(variable)] for variable in variables]
        return dense(gradients, variables), variables, kept

    @property
    def variables(self):
        """The copies of the weights and the inner optimizer's variables."""
        return [*self._variables, *self.inner.variables]

    @property
    def learning_rate(self):
        """The inner optimizer's learning rate."""
        return self.inner.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        self.inner.learning_rate = learning_rate

    @property
    def iterations(self):
        """Steps that the inner optimizer has made."""
        return self.inner.iterations

    def scale_loss(self, loss):
        """As the inner optimizer does."""
        return self.inner.scale_loss(loss)

    def finalize_variable_values(self, var_list):
        """As the inner optimizer does."""
        self.inner.finalize_variable_values(var_list)

    def get_config(self):
        """The inner optimizer's configuration and the name."""
        return {"name": self.name, "inner": keras.saving.serialize_keras_object(self.inner)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The wrapper around a new inner optimizer."""
        inner = keras.saving.deserialize_keras_object(config["inner"], custom_objects=custom_objects)
        return cls(**(config | {"inner": inner}))


class TwoStepOptimizer(WrapperOptimizer):
    """A wrapper that first goes to another point, asks for the gradient there, and applies it where it came from."""

    def build(self, variables):
        """Makes the copies and remembers whether the weights are away."""
        if self.built:
            return
        super().build(variables)
        self._away = self.add_variable((), dtype="bool", name="away")

    def _leave(self, gradients, variables):
        """Keeps the present weights until `apply` brings them back; a second leave keeps the first ones. Returns whole gradients and variables."""
        gradients, variables, kept = self._known(gradients, variables)
        for copy, variable in zip(kept, variables, strict=True):
            copy.assign(choose(self._away, copy, variable))
        self._away.assign(True)
        return gradients, variables

    def apply(self, grads, trainable_variables=None):
        """Brings the weights back to where they were kept, if they are away, and makes the inner optimizer's step from there."""
        grads, variables, kept = self._known(grads, trainable_variables)
        for copy, variable in zip(kept, variables, strict=True):
            variable.assign(choose(self._away, copy, variable))
        self._away.assign(False)
        self.inner.apply(grads, variables)


def choose(condition, first, second):
    """The first variable's value where the condition holds, else the second's."""
    return ops.where(*(ops.convert_to_tensor(value) for value in (condition, first, second)))
