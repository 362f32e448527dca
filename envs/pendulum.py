"""Pendulum as a functional environment in `keras.ops`.

The dynamics are those of Gymnasium's Pendulum-v1.
"""

from typing import Any

import keras
import numpy as np
from gymnasium.envs.classic_control.pendulum import PendulumEnv
from keras import ops

from envs.functional import ClassicControl, wrap_angle

GRAVITY = 10.0  # m/s^2
MASS, LENGTH = 1.0, 1.0  # kg, m
TIME_STEP = 0.05  # s
MAX_SPEED = 8.0  # rad/s
MAX_TORQUE = 2.0  # N m


class Pendulum(ClassicControl):
    """Swing a pendulum up and hold it there, with a motor that is too weak to lift it.

    ## Description
    A rod has a motor at its hinge. The equations of motion are integrated by the semi-implicit
    Euler method in steps of 0.05 s.
    Differences from Gymnasium: the state is in float32 (there float64), and the angle stays in
    [-pi, pi] (there it grows without bound). Gymnasium's pictures also show the torque, which is
    not part of the state here.

    ## Action space
    `Box(1)`: torque in [-2, 2] N m. A greater torque is clipped.

    ## Observation space
    `Box(3)`: cosine and sine of the angle (0 is upright), angular velocity in [-8, 8] rad/s.

    ## Starting state
    The angle is uniformly distributed in [-pi, pi) rad, the angular velocity in [-1, 1) rad/s.

    ## Reward
    -(angle^2 + 0.1 velocity^2 + 0.001 torque^2) of the state in which the action is taken.
    It lies between -16.3 and 0.

    ## Episode end
    Never terminated. Truncated after 200 steps, by the wrapper.

    ## References
    Gymnasium's Pendulum-v1.
    Mean return: random policy -1230, best of RL Baselines3 Zoo -151.9 (TD3, one run).

    Args:
        num_envs: B, the number of environments; it is the leading axis of every array.
    """

    original = PendulumEnv

    def initial(self, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """Starting states `[B, 2]`: angle and angular velocity."""
        return ops.multiply(keras.random.uniform((self.num_envs, 2), -1.0, 1.0, seed=rng), np.array([np.pi, 1.0], "float32"))

    def transition(self, state: Any, action: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """One Euler step: state `[B, 2]`, action `[B, 1]` -> next state `[B, 2]`."""
        angle, speed = ops.unstack(state, axis=-1)
        weight = 3 * GRAVITY / (2 * LENGTH) * ops.sin(angle)
        acceleration = weight + 3 / (MASS * LENGTH**2) * _torque(action)
        speed = ops.clip(speed + TIME_STEP * acceleration, -MAX_SPEED, MAX_SPEED)
        return ops.stack([wrap_angle(angle + TIME_STEP * speed), speed], axis=-1)

    def observation(self, state: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """Cosine and sine of the angle, angular velocity, `[B, 3]`."""
        angle, speed = ops.unstack(state, axis=-1)
        return ops.stack([ops.cos(angle), ops.sin(angle), speed], axis=-1)

    def reward(self, state: Any, action: Any, next_state: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """Minus the cost of angle, angular velocity and torque, `[B]`."""
        angle, speed = ops.unstack(state, axis=-1)
        return -(ops.square(wrap_angle(angle)) + 0.1 * ops.square(speed) + 0.001 * ops.square(_torque(action)))

    def terminal(self, state: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """False for each of the B environments."""
        return ops.zeros_like(state[:, 0], dtype="bool")


def _torque(action):
    return ops.clip(action[:, 0], -MAX_TORQUE, MAX_TORQUE)
