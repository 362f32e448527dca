"""The base of optimizers whose update is elementwise: a rule over tensors, applied to a small network's variables all at once."""

import keras
import numpy as np
from keras import ops

FUSED_SIZE = 2**17  # elements; larger sets of variables are updated one by one, without a copy


class RuleOptimizer(keras.optimizers.Optimizer):
    """An optimizer that is its rule, `theta, slots <- rule(theta, gradient, eta, *slots)`, elementwise.

    A subclass says which `slots` (numbers beside each weight) it keeps and writes `rule`. Where all weights together are at most
    2^17 numbers of one type, gradients, weights and slots are one flat vector each, and the rule runs once over them instead of
    once per variable. Clipping, weight decay, moving averages, gradient accumulation, loss scaling and schedules are Keras's.

    Args:
        learning_rate: eta, > 0: a float, a Keras schedule or a callable.
        fused: whether variables are updated as one vector; None decides by size.
        **options: those of `keras.optimizers.Optimizer`: weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema,
            ema_momentum, ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name.
    """

    def __init__(self, learning_rate, *, fused=None, **options):
        if isinstance(learning_rate, int | float):
            positive("learning_rate", learning_rate)
            learning_rate = float(learning_rate)
        super().__init__(learning_rate, **options)
        self.fused = fused

    @property
    def slots(self):
        """Names of the numbers that the rule keeps beside each weight, in the order that the rule takes and returns them."""
        return ()

    def rule(self, theta, gradient, eta, *slots):
        """New weights and slots, `(theta, *slots)`, from tensors of one shape and a scalar learning rate."""
        raise NotImplementedError

    def initial(self, slot):
        """The value that a slot starts from."""
        return 0.0

    def build(self, variables):
        """Makes the slots."""
        if self.built:
            return
        super().build(variables)
        dtypes = {variable.dtype for variable in variables}
        sizes = [int(np.prod(variable.shape)) for variable in variables]
        small = len(variables) > 1 and len(dtypes) == 1 and sum(sizes) <= FUSED_SIZE
        self._fuses = small if self.fused is None else self.fused and len(dtypes) == 1
        self._sizes = sizes
        self._slots = []
        for slot in self.slots:
            start = keras.initializers.Constant(self.initial(slot))
            if self._fuses:
                self._slots.append([self.add_variable((sum(sizes),), start, dtype=variables[0].dtype, name=slot)])
            else:
                self._slots.append(self.add_optimizer_variables(variables, slot, start))

    def update_step(self, gradient, variable, learning_rate):
        """Applies the rule to one variable."""
        index = self._get_variable_index(variable)
        slots = [slot[index] for slot in self._slots]
        results = self._apply_rule(ops.convert_to_tensor(variable), gradient, learning_rate, slots)
        for target, value in zip((variable, *slots), results, strict=True):
            self.assign(target, value)

    def _apply_rule(self, theta, gradient, learning_rate, slots):
        gradient = ops.cast(ops.convert_to_tensor(gradient), theta.dtype)
        eta = ops.cast(learning_rate, theta.dtype)
        return self.rule(theta, gradient, eta, *(ops.convert_to_tensor(slot) for slot in slots))

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        if not self._fuses:
            for gradient, variable in zip(grads, trainable_variables, strict=True):
                self.update_step(gradient, variable, learning_rate)
            return
        given = {
            self._get_variable_index(variable): gradient for variable, gradient in zip(trainable_variables, grads, strict=True)
        }
        everything = self._trainable_variables
        theta = ops.concatenate([ops.reshape(variable, (-1,)) for variable in everything])
        gradient = ops.concatenate(
            [
                ops.reshape(ops.convert_to_tensor(given[index]), (-1,)) if index in given else ops.zeros((size,), theta.dtype)
                for index, size in enumerate(self._sizes)
            ]
        )
        slots = [slot[0] for slot in self._slots]
        theta, *values = self._apply_rule(theta, gradient, learning_rate, slots)
        updated = np.repeat([index in given for index in range(len(everything))], self._sizes)
        for slot, value in zip(slots, values, strict=True):
            self.assign(slot, value if updated.all() else ops.where(updated, value, ops.convert_to_tensor(slot)))
        parts = ops.split(theta, np.cumsum(self._sizes)[:-1].tolist())
        for index in given:
            self.assign(everything[index], ops.reshape(parts[index], everything[index].shape))

    def get_config(self):
        """Base configuration and whether variables are fused."""
        return super().get_config() | {"fused": self.fused}


def positive(name, value):
    """The number; ValueError unless it is > 0."""
    if not value > 0:
        raise ValueError(f"{name}: expected a number > 0, received {value!r}.")
    return value


def not_negative(name, value):
    """The number; ValueError unless it is >= 0."""
    if not value >= 0:
        raise ValueError(f"{name}: expected a number >= 0, received {value!r}.")
    return value


def fraction(name, value):
    """The number; ValueError unless it is in [0, 1)."""
    if not 0 <= value < 1:
        raise ValueError(f"{name}: expected a number in [0, 1), received {value!r}.")
    return value
