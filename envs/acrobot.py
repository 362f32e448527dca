"""Acrobot as a functional environment in `keras.ops`.

The dynamics are those of Gymnasium's Acrobot-v1.
"""

from typing import Any

import keras
import numpy as np
from gymnasium.envs.classic_control.acrobot import AcrobotEnv
from keras import ops

from envs.functional import ClassicControl, wrap_angle

GRAVITY = 9.8  # m/s^2
LENGTH, CENTRE = 1.0, 0.5  # m, of a link, and from its joint to its centre of mass
MASS, INERTIA = 1.0, 1.0  # kg, kg m^2, of a link
TIME_STEP = 0.2  # s
MAX_SPEEDS = (4 * np.pi, 9 * np.pi)  # rad/s
GOAL_HEIGHT = 1.0  # m, above the fixed joint


class Acrobot(ClassicControl):
    """Swing the free end of a double pendulum above a line, with a motor between its links.

    ## Description
    Two links hang from a fixed joint. A torque acts at the joint between the links.
    The equations of motion are those of Sutton & Barto (1998), section 11.3.
    They are integrated by the fourth-order Runge-Kutta method in steps of 0.2 s.
    The state is in float32; Gymnasium's is in float64. At high speeds the motion is chaotic.

    ## Action space
    `Discrete(3)`: a torque of -1, 0 or 1 N m.

    ## Observation space
    `Box(6)`: cosine and sine of the first link's angle (0 is downwards), cosine and sine of the
    second link's angle relative to the first, and both angular velocities (rad/s). The velocities
    are clipped to [-4 pi, 4 pi] and [-9 pi, 9 pi].

    ## Starting state
    Both angles and both velocities are uniformly distributed in [-0.1, 0.1).

    ## Reward
    -1 for each step, except the step that reaches the goal: 0.

    ## Episode end
    Terminated when the free end is more than 1 m (the length of a link) above the fixed joint.
    Truncated after 500 steps, by the wrapper.

    ## References
    Sutton (1996), "Generalization in reinforcement learning: successful examples using sparse
    coarse coding"; Sutton & Barto (1998), section 11.3.
    Mean return: random policy -498.9, best of RL Baselines3 Zoo -69.1 (QR-DQN, one run).

    Args:
        num_envs: B, the number of environments; it is the leading axis of every array.
    """

    original = AcrobotEnv

    def initial(self, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """Starting states `[B, 4]`: both angles, then both angular velocities."""
        return keras.random.uniform((self.num_envs, 4), -0.1, 0.1, seed=rng)

    def transition(self, state: Any, action: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """One Runge-Kutta step: state `[B, 4]`, action `[B]` -> next state `[B, 4]`."""
        torque = ops.cast(action, "float32") - 1.0
        k1 = _derivative(state, torque)
        k2 = _derivative(state + TIME_STEP / 2 * k1, torque)
        k3 = _derivative(state + TIME_STEP / 2 * k2, torque)
        k4 = _derivative(state + TIME_STEP * k3, torque)
        state = state + TIME_STEP / 6 * (k1 + 2 * (k2 + k3) + k4)
        angle_1, angle_2, *speeds = ops.unstack(state, axis=-1)
        speeds = [ops.clip(speed, -most, most) for speed, most in zip(speeds, MAX_SPEEDS, strict=True)]
        return ops.stack([wrap_angle(angle_1), wrap_angle(angle_2), *speeds], axis=-1)

    def observation(self, state: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """Cosine and sine of either angle, both velocities, `[B, 6]`."""
        angle_1, angle_2, speed_1, speed_2 = ops.unstack(state, axis=-1)
        parts = [ops.cos(angle_1), ops.sin(angle_1), ops.cos(angle_2), ops.sin(angle_2), speed_1, speed_2]
        return ops.stack(parts, axis=-1)

    def reward(self, state: Any, action: Any, next_state: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """-1, or 0 at the goal, `[B]`."""
        return ops.cast(self.terminal(next_state, rng), "float32") - 1.0

    def terminal(self, state: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """Whether the free end is above the line, `[B]` bool."""
        height = -LENGTH * (ops.cos(state[:, 0]) + ops.cos(state[:, 0] + state[:, 1]))
        return height > GOAL_HEIGHT


def _derivative(state, torque):
    """Velocities and accelerations `[B, 4]` of a state `[B, 4]` and a torque `[B]`.

    The names are the symbols of Sutton & Barto (1998), section 11.3.
    """
    angle_1, angle_2, speed_1, speed_2 = ops.unstack(state, axis=-1)
    cos, sin = ops.cos(angle_2), ops.sin(angle_2)
    own = MASS * CENTRE**2 + INERTIA
    coupled = MASS * LENGTH * CENTRE
    d_1 = 2 * own + MASS * LENGTH**2 + 2 * coupled * cos
    d_2 = own + coupled * cos
    phi_2 = MASS * CENTRE * GRAVITY * ops.sin(angle_1 + angle_2)
    weight = MASS * (CENTRE + LENGTH) * GRAVITY * ops.sin(angle_1)
    phi_1 = weight + phi_2 - coupled * speed_2 * (speed_2 + 2 * speed_1) * sin
    acceleration_2 = (torque + d_2 / d_1 * phi_1 - coupled * speed_1**2 * sin - phi_2) / (own - d_2**2 / d_1)
    acceleration_1 = -(d_2 * acceleration_2 + phi_1) / d_1
    return ops.stack([speed_1, speed_2, acceleration_1, acceleration_2], axis=-1)
