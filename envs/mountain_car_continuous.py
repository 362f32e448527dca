"""MountainCar with a continuous force, in `keras.ops`, with the dynamics of Gymnasium's MountainCarContinuous-v0."""

from gymnasium.envs.classic_control.continuous_mountain_car import Continuous_MountainCarEnv
from keras import ops

from envs.functional import ClassicControl
from envs.mountain_car import arrived, drive, start

POWER = 0.0015  # acceleration per step^2 of a force of 1
GOAL = 0.45  # position, a little below MountainCar's


class MountainCarContinuous(ClassicControl):
    """Drive an underpowered car out of a valley, with little fuel.

    ## Description
    MountainCar with a force that is chosen continuously and costs fuel: standing still is a local optimum, and the goal has
    to be found before its reward is known.

    ## Action space
    `Box(1)`: force in [-1, 1]; what is beyond moves the car no faster, but costs.

    ## Observation space
    `Box(2)`: position in [-1.2, 0.6], velocity per step in [-0.07, 0.07].

    ## Starting state
    Position uniformly distributed in [-0.6, -0.4), at rest.

    ## Reward
    100 for the step that reaches the goal; -0.1 times the squared action for each step.

    ## Episode end
    Terminated at positions from 0.45 on. Truncated after 999 steps, by the wrapper.

    ## References
    Moore (1990), "Efficient memory-based learning for robot control".
    Mean return: random policy -33.1, best of RL Baselines3 Zoo 96.7 (ARS, one run).

    Args:
        num_envs: B, the environments simulated side by side along the leading axis of every array.
    """

    original = Continuous_MountainCarEnv

    def initial(self, rng, params=None):
        """New states `[B, 2]`, drawn with the SeedGenerator `rng`."""
        return start(self.num_envs, rng)

    def transition(self, state, action, rng, params=None):
        """One step: state `[B, 2]`, action `[B, 1]` -> next state `[B, 2]`."""
        return drive(state, POWER * ops.clip(action[:, 0], -1.0, 1.0))

    def observation(self, state, rng, params=None):
        """The state itself, `[B, 2]`."""
        return state

    def reward(self, state, action, next_state, rng, params=None):
        """100 at the goal, less the fuel, `[B]`."""
        return 100.0 * ops.cast(self.terminal(next_state, rng), "float32") - 0.1 * ops.square(action[:, 0])

    def terminal(self, state, rng, params=None):
        """Whether the car has arrived, `[B]` bool."""
        return arrived(state, GOAL)
