"""MountainCarContinuous as a functional environment in `keras.ops`.

The dynamics are those of Gymnasium's MountainCarContinuous-v0.
"""

from typing import Any

import keras
from gymnasium.envs.classic_control.continuous_mountain_car import Continuous_MountainCarEnv
from keras import ops

from envs.functional import ClassicControl
from envs.mountain_car import arrived, drive, start

POWER = 0.0015  # per step^2, acceleration by a force of 1
GOAL = 0.45  # position, a little below MountainCar's


class MountainCarContinuous(ClassicControl):
    """Drive an underpowered car out of a valley with little fuel.

    ## Description
    This is MountainCar with a continuous force that costs fuel. To stand still is a local
    optimum: an agent must find the goal before it knows of its reward.
    The state is in float32; Gymnasium's is in float64.

    ## Action space
    `Box(1)`: force in [-1, 1]. A greater force is clipped, but costs fuel before it is.

    ## Observation space
    `Box(2)`: position in [-1.2, 0.6], velocity per step in [-0.07, 0.07].

    ## Starting state
    The position is uniformly distributed in [-0.6, -0.4); the velocity is 0.

    ## Reward
    -0.1 times the squared action for each step, plus 100 for the step that reaches the goal.

    ## Episode end
    Terminated when the position is >= 0.45. Truncated after 999 steps, by the wrapper.

    ## References
    Moore (1990), "Efficient memory-based learning for robot control".
    Mean return: random policy -33.1, best of RL Baselines3 Zoo 96.7 (ARS, one run).

    Args:
        num_envs: B, the number of environments; it is the leading axis of every array.
    """

    original = Continuous_MountainCarEnv

    def initial(self, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """Starting states `[B, 2]`."""
        return start(self.num_envs, rng)

    def transition(self, state: Any, action: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """One step: state `[B, 2]`, action `[B, 1]` -> next state `[B, 2]`."""
        return drive(state, POWER * ops.clip(action[:, 0], -1.0, 1.0))

    def observation(self, state: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """The state itself, `[B, 2]`."""
        return state

    def reward(self, state: Any, action: Any, next_state: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """100 at the goal minus the cost of the fuel, `[B]`."""
        return 100.0 * ops.cast(self.terminal(next_state, rng), "float32") - 0.1 * ops.square(action[:, 0])

    def terminal(self, state: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """Whether the car has reached the goal, `[B]` bool."""
        return arrived(state, GOAL)
