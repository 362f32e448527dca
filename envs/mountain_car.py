"""MountainCar as a functional environment in `keras.ops`, with the dynamics of Gymnasium's MountainCar-v0."""

import keras
from gymnasium.envs.classic_control.mountain_car import MountainCarEnv
from keras import ops

from envs.functional import ClassicControl

FORCE, GRAVITY = 0.001, 0.0025  # per step^2
MAX_SPEED = 0.07  # per step
LEFT, RIGHT, GOAL = -1.2, 0.6, 0.5  # positions


class MountainCar(ClassicControl):
    """Drive an underpowered car out of a valley.

    ## Description
    A car in a valley of the shape sin(3 x), whose engine is weaker than gravity on the slope: it has to gather speed going back and
    forth. At the left end it stops dead. In float32 (Gymnasium's keeps its state in float64).

    ## Action space
    `Discrete(3)`: 0 accelerates to the left by 0.001 per step, 1 not at all, 2 to the right.

    ## Observation space
    `Box(2)`: position in [-1.2, 0.6], velocity per step in [-0.07, 0.07].

    ## Starting state
    Position uniformly distributed in [-0.6, -0.4), at rest.

    ## Reward
    -1 for each step, the last one included.

    ## Episode end
    Terminated at positions from 0.5 on. Truncated after 200 steps, by the wrapper.

    ## References
    Moore (1990), "Efficient memory-based learning for robot control"; Sutton & Barto (2018), example 10.1.
    Mean return: random policy -200, best of RL Baselines3 Zoo -100.8 (DQN, one run).

    Args:
        num_envs: B, the environments simulated side by side along the leading axis of every array.
    """

    original = MountainCarEnv

    def initial(self, rng, params=None):
        """New states `[B, 2]`, drawn with the SeedGenerator `rng`."""
        return start(self.num_envs, rng)

    def transition(self, state, action, rng, params=None):
        """One step: state `[B, 2]`, action `[B]` -> next state `[B, 2]`."""
        return drive(state, FORCE * (ops.cast(action, "float32") - 1.0))

    def observation(self, state, rng, params=None):
        """The state itself, `[B, 2]`."""
        return state

    def reward(self, state, action, next_state, rng, params=None):
        """-1 for each of the B environments."""
        return -ops.ones_like(next_state[:, 0])

    def terminal(self, state, rng, params=None):
        """Whether the car has arrived, `[B]` bool."""
        return arrived(state, GOAL)


def start(num_envs, rng):
    """States `[B, 2]` at rest near the bottom of the valley."""
    return ops.stack([keras.random.uniform((num_envs,), -0.6, -0.4, seed=rng), ops.zeros((num_envs,))], axis=-1)


def drive(state, push):
    """One step under the engine's acceleration `push` `[B]`: state `[B, 2]` -> next state `[B, 2]`."""
    position, velocity = ops.unstack(state, axis=-1)
    velocity = ops.clip(velocity + push - GRAVITY * ops.cos(3 * position), -MAX_SPEED, MAX_SPEED)
    position = ops.clip(position + velocity, LEFT, RIGHT)
    velocity = ops.where(position <= LEFT, ops.maximum(velocity, 0.0), velocity)
    return ops.stack([position, velocity], axis=-1)


def arrived(state, goal):
    """Whether a car is at `goal` or beyond and does not roll back, `[B]` bool."""
    return ops.logical_and(state[:, 0] >= goal, state[:, 1] >= 0)
