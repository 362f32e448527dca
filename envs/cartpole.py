"""CartPole as a functional environment in `keras.ops`.

The dynamics are those of Gymnasium's CartPole-v1.
"""

from typing import Any

import keras
import numpy as np
from gymnasium.envs.classic_control.cartpole import CartPoleEnv
from gymnasium.spaces import Box
from keras import ops

from envs.functional import ClassicControl

GRAVITY = 9.8  # m/s^2
CART_MASS, POLE_MASS = 1.0, 0.1  # kg
HALF_LENGTH = 0.5  # m, half of the pole
FORCE = 10.0  # N
TIME_STEP = 0.02  # s
MAX_ANGLE = 12 * 2 * np.pi / 360  # rad
MAX_POSITION = 2.4  # m


class CartPole(ClassicControl):
    """Balance a pole on a cart by pushing the cart left or right.

    ## Description
    A pole is hinged on a cart that moves along a track without friction.
    The equations of motion are integrated by the explicit Euler method in steps of 0.02 s.
    The state is in float32; Gymnasium's is in float64.

    ## Action space
    `Discrete(2)`: 0 pushes the cart to the left with a force of 10 N, 1 to the right.

    ## Observation space
    `Box(4)`: cart position (m), cart velocity (m/s), pole angle (rad), pole angular velocity
    (rad/s). This is `lab/CartPole-v1`.
    Without velocities `Box(2)`: cart position and pole angle. A policy then needs a memory.
    This is `lab/CartPoleNoVelocity-v1`.

    ## Starting state
    All four numbers are uniformly distributed in [-0.05, 0.05).

    ## Reward
    1 for each step, including the last.

    ## Episode end
    Terminated when |position| > 2.4 m or |angle| > 12 degrees.
    Truncated after 500 steps, by the wrapper.

    ## References
    Barto, Sutton & Anderson (1983), "Neuronlike adaptive elements that can solve difficult
    learning control problems".
    Mean return: random policy 22, optimal 500.

    Args:
        num_envs: B, the number of environments; it is the leading axis of every array.
        velocities: whether the observation contains the two velocities.
    """

    original = CartPoleEnv

    def __init__(self, num_envs: int = 1, velocities: bool = True) -> None:
        super().__init__(num_envs)
        self._observed = slice(None) if velocities else slice(None, None, 2)
        box: Any = self.observation_space
        self.observation_space = Box(box.low[self._observed], box.high[self._observed])

    def initial(self, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """Starting states `[B, 4]`."""
        return keras.random.uniform((self.num_envs, 4), -0.05, 0.05, seed=rng)

    def transition(self, state: Any, action: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """One Euler step: state `[B, 4]`, action `[B]` -> next state `[B, 4]`."""
        _, x_dot, theta, theta_dot = ops.unstack(state, axis=-1)
        force = ops.where(ops.equal(action, 1), FORCE, -FORCE)
        cos, sin = ops.cos(theta), ops.sin(theta)
        total = CART_MASS + POLE_MASS
        pole = POLE_MASS * HALF_LENGTH
        push = (force + pole * theta_dot**2 * sin) / total
        theta_acc = (GRAVITY * sin - cos * push) / (HALF_LENGTH * (4.0 / 3.0 - POLE_MASS * cos**2 / total))
        x_acc = push - pole * theta_acc * cos / total
        step = [x_dot, x_acc, theta_dot, theta_acc]
        return state + TIME_STEP * ops.stack(step, axis=-1)

    def observation(self, state: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """The state itself, `[B, 4]`, or without velocities `[B, 2]`."""
        return state[:, self._observed]

    def reward(self, state: Any, action: Any, next_state: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """1 for each of the B environments."""
        return ops.ones_like(next_state[:, 0])

    def terminal(self, state: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """Whether the cart or the pole has left its allowed range, `[B]` bool."""
        return ops.logical_or(ops.abs(state[:, 0]) > MAX_POSITION, ops.abs(state[:, 2]) > MAX_ANGLE)
