"""MountainCar as a functional environment in `keras.ops`.

The dynamics are those of Gymnasium's MountainCar-v0.
"""

from typing import Any

import keras
from gymnasium.envs.classic_control.mountain_car import MountainCarEnv
from keras import ops

from envs.functional import ClassicControl

FORCE, GRAVITY = 0.001, 0.0025  # per step^2
MAX_SPEED = 0.07  # per step
LEFT = -1.2  # position
RIGHT = 0.6  # position
GOAL = 0.5  # position


class MountainCar(ClassicControl):
    """Drive an underpowered car out of a valley.

    ## Description
    A car stands in a valley of the shape sin(3 x). Its engine is weaker than gravity on the
    slope, so the car must drive back and forth to gain speed. At the left end of the valley its
    velocity becomes 0. The state is in float32; Gymnasium's is in float64.

    ## Action space
    `Discrete(3)`: 0 accelerates to the left by 0.001 per step, 1 does nothing, 2 accelerates to
    the right.

    ## Observation space
    `Box(2)`: position in [-1.2, 0.6], velocity per step in [-0.07, 0.07].

    ## Starting state
    The position is uniformly distributed in [-0.6, -0.4); the velocity is 0.

    ## Reward
    -1 for each step, including the last.

    ## Episode end
    Terminated when the position is >= 0.5. Truncated after 200 steps, by the wrapper.

    ## References
    Moore (1990), "Efficient memory-based learning for robot control"; Sutton & Barto (2018),
    example 10.1.
    Mean return: random policy -200, best of RL Baselines3 Zoo -100.8 (DQN, one run).

    Args:
        num_envs: B, the number of environments; it is the leading axis of every array.
    """

    original = MountainCarEnv

    def initial(self, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """Starting states `[B, 2]`."""
        return start(self.num_envs, rng)

    def transition(self, state: Any, action: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """One step: state `[B, 2]`, action `[B]` -> next state `[B, 2]`."""
        return drive(state, FORCE * (ops.cast(action, "float32") - 1.0))

    def observation(self, state: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """The state itself, `[B, 2]`."""
        return state

    def reward(self, state: Any, action: Any, next_state: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """-1 for each of the B environments."""
        return -ops.ones_like(next_state[:, 0])

    def terminal(self, state: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """Whether the car has reached the goal, `[B]` bool."""
        return arrived(state, GOAL)


def start(num_envs: int, rng: keras.random.SeedGenerator) -> Any:
    """Starting states `[B, 2]`: velocity 0, near the bottom of the valley."""
    return ops.stack([keras.random.uniform((num_envs,), -0.6, -0.4, seed=rng), ops.zeros((num_envs,))], axis=-1)


def drive(state: Any, push: Any) -> Any:
    """One step: state `[B, 2]`, acceleration `push` of the engine `[B]` -> next state `[B, 2]`."""
    position, velocity = ops.unstack(state, axis=-1)
    velocity = ops.clip(velocity + push - GRAVITY * ops.cos(3 * position), -MAX_SPEED, MAX_SPEED)
    position = ops.clip(position + velocity, LEFT, RIGHT)
    velocity = ops.where(position <= LEFT, ops.maximum(velocity, 0.0), velocity)
    return ops.stack([position, velocity], axis=-1)


def arrived(state: Any, goal: float) -> Any:
    """Whether the position is >= `goal` and the velocity >= 0, `[B]` bool."""
    return ops.logical_and(state[:, 0] >= goal, state[:, 1] >= 0)
