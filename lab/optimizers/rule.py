"""The base of optimizers whose update rule is elementwise."""

from collections.abc import Callable
from typing import Any, TypeAlias

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.optimizers.dense import DenseOptimizer

LearningRate: TypeAlias = float | keras.optimizers.schedules.LearningRateSchedule | Callable[[], Tensor]


class RuleOptimizer(DenseOptimizer):
    """An optimizer that is defined by an elementwise update rule.

        theta, *slots <- rule(theta, gradient, scalars, *slots)

    Slots are numbers that the optimizer stores for each weight. A subclass defines

    - `slots`: their names,
    - `scalars`: what a step computes from the learning rate,
    - `rule`: the update.

    The scalars are computed once per step. Keras would compute them once per variable. Clipping,
    weight decay, moving averages, gradient accumulation, loss scaling and schedules are Keras's.
    Gradients are dense: see `DenseOptimizer`.

    Args:
        learning_rate: eta, > 0: a float, a Keras schedule or a function without arguments.
        **options: those of `keras.optimizers.Optimizer`: weight_decay, clipnorm, clipvalue,
            global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor,
            gradient_accumulation_steps, name.
    """

    def __init__(self, learning_rate: LearningRate, **options: Any) -> None:
        if isinstance(learning_rate, int | float):
            learning_rate = float(validation.POSITIVE.check("learning_rate", learning_rate))
        super().__init__(learning_rate, **options)

    @property
    def slots(self) -> tuple[str, ...]:
        """The names of the slots, in the order in which the rule takes and returns them."""
        return ()

    def initial(self, slot: str) -> float:
        """The initial value of a slot."""
        return 0.0

    def scalars(self, eta: Tensor) -> Any:
        """What the rule needs besides tensors. `self.iterations` counts the previous steps."""
        return eta

    def rule(self, theta: Tensor, gradient: Tensor, scalars: Any, *slots: Tensor) -> tuple[Tensor, ...]:
        """New weights and slots, `(theta, *slots)`, from tensors of one shape."""
        raise NotImplementedError

    def build(self, variables: list[keras.Variable]) -> None:
        """Makes the slots."""
        if self.built:
            return
        super().build(variables)
        self._slots = [
            self.add_optimizer_variables(variables, slot, keras.initializers.Constant(self.initial(slot)))
            for slot in self.slots
        ]

    def update_step(self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor, scalars: Any = None) -> None:
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
