"""CartPole as a functional environment in `keras.ops`, with the dynamics of Gymnasium's CartPole-v1."""

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
    A pole is hinged on a cart that moves without friction along a track (Barto, Sutton & Anderson 1983); explicit Euler
    integration in steps of 0.02 s, in float32 (Gymnasium's keeps its state in float64).

    ## Action space
    `Discrete(2)`: 0 pushes the cart to the left with 10 N, 1 to the right.

    ## Observation space
    `Box(4)`: cart position (m), cart velocity (m/s), pole angle (rad), pole angular velocity (rad/s). Without velocities `Box(2)`,
    position and angle: then a policy needs a memory. Registered as `lab/CartPole-v1` and `lab/CartPoleNoVelocity-v1`.

    ## Starting state
    Each of the four uniformly distributed in [-0.05, 0.05).

    ## Reward
    1 for each step, the last one included.

    ## Episode end
    Terminated when |position| > 2.4 m or |angle| > 12 degrees. Truncated after 500 steps, by the wrapper.

    ## References
    Barto, Sutton & Anderson (1983), "Neuronlike adaptive elements that can solve difficult learning control problems".
    Mean return: random policy 22, optimal 500.

    Args:
        num_envs: B, the environments simulated side by side along the leading axis of every array.
        velocities: whether the two velocities are observed.
    """

    original = CartPoleEnv

    def __init__(self, num_envs=1, velocities=True):
        super().__init__(num_envs)
        self._observed = slice(None) if velocities else slice(None, None, 2)
        box: Any = self.observation_space
        self.observation_space = Box(box.low[self._observed], box.high[self._observed])

    def initial(self, rng, params=None):
        """New states `[B, 4]`, drawn with the SeedGenerator `rng`."""
        return keras.random.uniform((self.num_envs, 4), -0.05, 0.05, seed=rng)

    def transition(self, state, action, rng, params=None):
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

    def observation(self, state, rng, params=None):
        """The state itself, `[B, 4]`, or without velocities `[B, 2]`."""
        return state[:, self._observed]

    def reward(self, state, action, next_state, rng, params=None):
        """1 for each of the B environments."""
        return ops.ones_like(next_state[:, 0])

    def terminal(self, state, rng, params=None):
        """Whether cart or pole has left its range, `[B]` bool."""
        return ops.logical_or(ops.abs(state[:, 0]) > MAX_POSITION, ops.abs(state[:, 2]) > MAX_ANGLE)
