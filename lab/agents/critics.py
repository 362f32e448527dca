"""Critics with target networks, for actors that learn from a replay."""

from collections.abc import Sequence

import keras
from keras import ops

from lab import engine, validation
from lab.agents import settings
from lab.agents.actor_critic import gradient_norm
from lab.agents.passes import greedy, learning
from lab.agents.requirements import copy_weights, require_apart, require_new, require_outputs
from lab.engine.types import Tensor


class Critics:
    """Action values Q_i(s, a) of one network or several, each with a target network.

    The lowest value of the target networks bootstraps. One critic alone overestimates values; the
    minimum of several counters this (clipped double Q-learning, Fujimoto et al. 2018, eq. 10).
    Actions are those of the unit cube.

    Args:
        online, targets: built Keras models, as many targets as online networks,
            [observation `[N, ...]`, action `[N, D]`] -> `[N]` or `[N, 1]`.
            Each target has the architecture of its online network, and starts as a copy of it.
        optimizer: a Keras optimizer, for all online networks together.
        polyak: tau in [0, 1], the share of the online weights in each `update_targets`.
    """

    def __init__(
        self,
        online: Sequence[keras.Model],
        targets: Sequence[keras.Model],
        optimizer: keras.optimizers.Optimizer,
        *,
        polyak: float = settings.OffPolicy.polyak,
    ) -> None:
        self.online, self.targets = online, targets
        self.optimizer = optimizer
        self.polyak = validation.UNIT.check("polyak", polyak)
        if len(targets) != len(online) or not online:
            raise ValueError(f"targets: expected one for each online network, {len(online)} > 0, received {len(targets)}.")
        for position, model in enumerate(online):
            _require_value(f"online[{position}]", model)
        lists = (("online", online), ("targets", targets))
        require_apart(**{f"{name}[{k}]": model for name, models in lists for k, model in enumerate(models)})
        for position, (target, model) in enumerate(zip(targets, online, strict=True)):
            copy_weights(f"targets[{position}]", target, f"online[{position}]", model)
        require_new("optimizer", optimizer)
        self._trainable = [variable for model in online for variable in model.trainable_variables]
        optimizer.build(self._trainable)
        self.variables = [*(v for model in (*online, *targets) for v in model.variables), *optimizer.variables]
        self._gradient = engine.value_and_grad(self._loss, self._trainable)

    def values(self, observation: Tensor, action: Tensor) -> list[Tensor]:
        """Q_i(s, a) of each online network, `[N]`, for the loss of an actor."""
        return [_value(greedy, model, observation, action) for model in self.online]

    def first_value(self, observation: Tensor, action: Tensor) -> Tensor:
        """Q_1(s, a) of the first online network, `[N]`, for the loss of an actor."""
        return _value(greedy, self.online[0], observation, action)

    def target_value(self, observation: Tensor, action: Tensor) -> Tensor:
        """min_i Q_i(s, a) of the target networks, `[N]`."""
        return minimum([_value(greedy, model, observation, action) for model in self.targets])

    def update(self, observation: Tensor, action: Tensor, td_target: Tensor) -> dict[str, Tensor]:
        """One gradient step; returns diagnostics. A program.

        The loss is sum_i E[(td_target - Q_i(s, a))^2] / 2.
        """
        (loss, extras), gradients = self._gradient(observation, action, td_target)
        self.optimizer.apply(gradients, self._trainable)
        return {"critic_loss": loss, "gradient_norm": gradient_norm(gradients), **extras}

    def update_targets(self) -> None:
        """Moves each target network towards its online network. A program."""
        for target, model in zip(self.targets, self.online, strict=True):
            update_target(target, model, self.polyak)

    def _loss(self, observation, action, td_target):
        values = [_value(learning, model, observation, action) for model in self.online]
        loss = sum(0.5 * ops.mean(ops.square(td_target - value)) for value in values)
        return loss, {"q_value": sum(ops.mean(value) for value in values) / len(values)}


def update_target(target: keras.Model, model: keras.Model, polyak: float) -> None:
    """Moves all weights of a target network, moving statistics included. A program.

        theta' <- theta' + tau (theta - theta')

    Args:
        target, model: with weights theta' and theta.
        polyak: tau.
    """
    for slow, fast in zip(target.weights, model.weights, strict=True):
        slow.assign(slow.value + polyak * (fast.value - slow.value))


def minimum(values: Sequence[Tensor]) -> Tensor:
    """The elementwise minimum of a list."""
    smallest = values[0]
    for value in values[1:]:
        smallest = ops.minimum(smallest, value)
    return smallest


def _require_value(name, model):
    shapes = [tuple(output.shape[1:]) for output in getattr(model, "outputs", None) or ()]
    if shapes and shapes not in ([()], [(1,)]):
        require_outputs(name, model, [(1,)], "one value")


def _value(run, model, observation, action):
    return ops.reshape(run(model, [observation, action]), (-1,))
