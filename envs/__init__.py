"""Gymnasium environments of the laboratory.

Importing this package registers them as `lab/Name-vN`.
"""

from gymnasium.envs.registration import register

# Functional environments, which also run on the device (see `envs.functional.functional`).
# {name: (class, time limit in steps, reward threshold, arguments)}
FUNCTIONAL: dict[str, tuple[str, int, float | None, dict]] = {
    "CartPole-v1": ("envs.cartpole:CartPole", 500, 475.0, {}),
    "CartPoleNoVelocity-v1": ("envs.cartpole:CartPole", 500, 475.0, {"velocities": False}),
    "Acrobot-v1": ("envs.acrobot:Acrobot", 500, -100.0, {}),
    "MountainCar-v0": ("envs.mountain_car:MountainCar", 200, -110.0, {}),
    "MountainCarContinuous-v0": ("envs.mountain_car_continuous:MountainCarContinuous", 999, 90.0, {}),
    "Pendulum-v1": ("envs.pendulum:Pendulum", 200, None, {}),
}

for name, (_class, steps, threshold, _arguments) in FUNCTIONAL.items():
    register(
        id=f"lab/{name}",
        entry_point="envs.functional:make",
        vector_entry_point="envs.functional:make_vec",
        max_episode_steps=steps,
        reward_threshold=threshold,
        kwargs={"problem": name},
    )

# Tabular environments: (id, class, time limit in steps, arguments).
TABULAR: tuple[tuple[str, str, int | None, dict], ...] = (
    ("lab/Gridworld4x4-v0", "envs.gridworld:Gridworld4x4", None, {}),
    ("lab/Gridworld5x5-v0", "envs.gridworld:Gridworld5x5", 200, {}),
    ("lab/WindyGridworld-v0", "envs.windy_gridworld:WindyGridworld", None, {}),
    ("lab/WindyGridworldKings-v0", "envs.windy_gridworld:WindyGridworld", None, {"kings_moves": True}),
    ("lab/RandomWalk5-v0", "envs.random_walk:RandomWalk", None, {}),
    ("lab/RandomWalk19-v0", "envs.random_walk:RandomWalk", None, {"states": 19, "left": -1.0}),
    ("lab/Cliff-v0", "envs.cliff:Cliff", None, {}),
    ("lab/Gambler-v0", "envs.gambler:Gambler", None, {}),
    ("lab/CarRental-v0", "envs.car_rental:CarRental", 100, {}),
    ("lab/DynaMaze-v0", "envs.dyna_maze:DynaMaze", None, {}),
    ("lab/BlockingMaze-v0", "envs.dyna_maze:DynaMaze", None, {"maze": "blocking"}),
    ("lab/ShortcutMaze-v0", "envs.dyna_maze:DynaMaze", None, {"maze": "shortcut"}),
    ("lab/ShortCorridor-v0", "envs.short_corridor:ShortCorridor", None, {}),
    ("lab/BairdStar-v0", "envs.baird_star:BairdStar", 1_000, {}),
    ("lab/MaximizationBias-v0", "envs.maximization_bias:MaximizationBias", None, {}),
)

for name, entry_point, limit, arguments in TABULAR:
    register(id=name, entry_point=entry_point, max_episode_steps=limit, kwargs=arguments)
