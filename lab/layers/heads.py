"""The last layers of agents' networks: they turn features `[B, D]` into what an algorithm needs."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from lab import engine, validation
from lab.engine.types import Tensor


class _Head(keras.layers.Layer):
    """A head of dense layers. `_maps()` gives {attribute: units}, and `build` makes them."""

    def __init__(
        self, actions: int, kernel_initializer: str | keras.initializers.Initializer = "glorot_uniform", **options: Any
    ) -> None:
        super().__init__(**options)
        self.actions = validation.integer("actions", actions)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes the dense layers."""
        for name, units in self._maps().items():
            layer = keras.layers.Dense(
                units, kernel_initializer=self.kernel_initializer.clone(), dtype=self.dtype_policy, name=name
            )
            layer.build(input_shape)
            setattr(self, name, layer)

    def get_config(self) -> dict[str, Any]:
        """The arguments of all heads."""
        initializer = keras.initializers.serialize(self.kernel_initializer)
        return super().get_config() | {"actions": self.actions, "kernel_initializer": initializer}


@keras.saving.register_keras_serializable(package="lab")
class DuelingHead(_Head):
    """Q(s, a) = V(s) + A(s, a) - mean_b A(s, b): `[..., D]` -> `[..., actions]`.

    Source: Wang et al. 2016, eq. 9.

    Args:
        actions: number of actions, >= 1.
        kernel_initializer: of both linear maps.
    """

    def _maps(self):
        return {"value": 1, "advantage": self.actions}

    def call(self, inputs: Tensor) -> Tensor:
        """The action values."""
        advantage = self.advantage(inputs)
        return self.value(inputs) + advantage - ops.mean(advantage, axis=-1, keepdims=True)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The input's shape with `actions` last."""
        return (*input_shape[:-1], self.actions)


@keras.saving.register_keras_serializable(package="lab")
class QuantileHead(_Head):
    """Quantiles theta of each action's return: `[..., D]` -> `[..., actions, quantiles]`.

    Source: Dabney et al. 2018, section 5.

    Args:
        actions: number of actions, >= 1.
        quantiles: N, >= 1.
        kernel_initializer: of the linear map.
    """

    def __init__(self, actions: int, quantiles: int = 200, **options: Any) -> None:
        super().__init__(actions, **options)
        self.quantiles = validation.integer("quantiles", quantiles)

    def _maps(self):
        return {"values": self.actions * self.quantiles}

    def call(self, inputs: Tensor) -> Tensor:
        """The quantiles. The value of an action is their mean."""
        values = self.values(inputs)
        return ops.reshape(values, (*ops.shape(values)[:-1], self.actions, self.quantiles))

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The input's shape with `actions, quantiles` last."""
        return (*input_shape[:-1], self.actions, self.quantiles)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"quantiles": self.quantiles}


@keras.saving.register_keras_serializable(package="lab")
class CategoricalValueHead(_Head):
    """Logits of each action's return over fixed atoms: `[..., D]` -> `[..., actions, atoms]`.

    Source: Bellemare et al. 2017, section 4.

    Args:
        actions: number of actions, >= 1.
        atoms: number of atoms, >= 2.
        kernel_initializer: of the linear map.
    """

    def __init__(self, actions: int, atoms: int = 51, **options: Any) -> None:
        super().__init__(actions, **options)
        self.atoms = validation.integer("atoms", atoms, 2)

    def _maps(self):
        return {"logits": self.actions * self.atoms}

    def call(self, inputs: Tensor) -> Tensor:
        """The logits. Their softmax over the last axis is the distribution of the return."""
        logits = self.logits(inputs)
        return ops.reshape(logits, (*ops.shape(logits)[:-1], self.actions, self.atoms))

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The input's shape with `actions, atoms` last."""
        return (*input_shape[:-1], self.actions, self.atoms)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"atoms": self.atoms}


@keras.saving.register_keras_serializable(package="lab")
class GaussianHead(_Head):
    """Mean and standard deviation of a continuous policy: `[..., D]` -> twice `[..., actions]`.

    The logarithm of the standard deviation is linear in the features and clipped (Haarnoja et al.
    2018). With state_dependent=False it is one learnt number per dimension (Schulman et al. 2017).
    In float16 it is at least -9, because exp(-20) would be 0.

    Args:
        actions: dimensions of the action, >= 1.
        state_dependent: whether the standard deviation depends on the features.
        limits: (least, greatest) logarithm of the standard deviation.
        initial_log_scale: initial logarithm of a standard deviation that is state-independent.
        kernel_initializer: of the linear maps.
    """

    def __init__(
        self,
        actions: int,
        state_dependent: bool = True,
        limits: tuple[float, float] = (-20.0, 2.0),
        initial_log_scale: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(actions, **options)
        if not (len(limits) == 2 and limits[0] < limits[1]):
            raise ValueError(f"limits: expected two ascending numbers, received {limits!r}.")
        self.state_dependent = state_dependent
        self.limits = tuple(limits)
        self.initial_log_scale = initial_log_scale

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes the linear maps and, unless it depends on the state, the log standard deviation."""
        super().build(input_shape)
        if not self.state_dependent:
            start = keras.initializers.Constant(self.initial_log_scale)
            self.log_scale = self.add_weight(shape=(self.actions,), initializer=start, name="log_scale")

    def _maps(self):
        return {"loc": self.actions} | ({"log_scale": self.actions} if self.state_dependent else {})

    def call(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """(mean, standard deviation)."""
        loc = self.loc(inputs)
        log_scale = self.log_scale(inputs) if self.state_dependent else ops.broadcast_to(self.log_scale, ops.shape(loc))
        return loc, ops.exp(ops.clip(log_scale, *self._limits))

    @property
    def _limits(self):
        """The limits within what the dtype can represent."""
        least, most = self.limits
        return max(least, -9.0) if self.compute_dtype == "float16" else least, most

    def host_function(self) -> Callable[[np.ndarray], Any]:
        """`call` with the current weights as a function of arrays, for `engine.host_forward`."""
        kernel, bias = engine.read(self.loc.kernel), engine.read(self.loc.bias)
        if self.state_dependent:
            scale_kernel, scale_bias = engine.read(self.log_scale.kernel), engine.read(self.log_scale.bias)
            return lambda x: (x @ kernel + bias, np.exp(np.clip(x @ scale_kernel + scale_bias, *self._limits)))
        scale = np.exp(np.clip(engine.read(self.log_scale), *self._limits))
        return lambda x: (x @ kernel + bias, np.broadcast_to(scale, (len(x), self.actions)))

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The shapes of mean and standard deviation: the input's with `actions` last."""
        shape = (*input_shape[:-1], self.actions)
        return shape, shape

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {name: getattr(self, name) for name in ("state_dependent", "limits", "initial_log_scale")}


keras.saving.get_custom_objects()["lab>CategoricalHead"] = CategoricalValueHead  # its name in older files
