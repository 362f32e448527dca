"""The base of optimizers whose update is elementwise: a rule over tensors."""

import keras
from keras import ops

from lab import validation
from lab.optimizers.dense import DenseOptimizer


class RuleOptimizer(DenseOptimizer):
    """An optimizer that is its rule, `theta, slots <- rule(theta, gradient, scalars, *slots)`, elementwise.

    A subclass names its `slots` (numbers kept beside each weight), computes the `scalars` of a step from the learning rate, and writes
    the rule. The scalars are computed once per step, not once per variable as in Keras. Clipping, weight decay, moving averages, gradient
    accumulation, loss scaling and schedules are Keras's. The rule sees gradients whole: see `DenseOptimizer`.

    Args:
        learning_rate: eta, > 0: a float, a Keras schedule or a callable.
        **options: those of `keras.optimizers.Optimizer`: weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema,
            ema_momentum, ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name.
    """

    def __init__(self, learning_rate, **options):
        if isinstance(learning_rate, int | float):
            learning_rate = float(validation.POSITIVE.check("learning_rate", learning_rate))
        super().__init__(learning_rate, **options)

    @property
    def slots(self):
        """Names of the numbers that the rule keeps beside each weight, in the order that it takes and returns them."""
        return ()

    def initial(self, slot):
        """The value that a slot starts from."""
        return 0.0

    def scalars(self, eta):
        """What a step needs beside tensors, from the learning rate; `self.iterations` steps were made before."""
        return eta

    def rule(self, theta, gradient, scalars, *slots):
        """New weights and slots, `(theta, *slots)`, from tensors of one shape."""
        raise NotImplementedError

    def build(self, variables):
        """Makes the slots."""
        if self.built:
            return
        super().build(variables)
        self._slots = [
            self.add_optimizer_variables(variables, slot, keras.initializers.Constant(self.initial(slot)))
            for slot in self.slots
        ]

    def update_step(self, gradient, variable, learning_rate, scalars=None):
        """Applies the rule to one variable."""
        if scalars is None:
            scalars = self.scalars(ops.cast(learning_rate, variable.dtype))
        targets = [variable, *(slot[self._get_variable_index(variable)] for slot in self._slots)]
        theta, *slots = (ops.convert_to_tensor(target) for target in targets)
        results = self.rule(theta, ops.cast(ops.convert_to_tensor(gradient), theta.dtype), scalars, *slots)
        for target, value in zip(targets, results, strict=True):
            self.assign(target, value)

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        scalars = {}
        for gradient, variable in zip(grads, trainable_variables, strict=True):
            dtype = keras.backend.standardize_dtype(variable.dtype)
            if dtype not in scalars:
                scalars[dtype] = self.scalars(ops.cast(learning_rate, dtype))
            self.update_step(gradient, variable, learning_rate, scalars[dtype])
