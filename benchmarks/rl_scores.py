"""Policy gradients and actor-critic with RL-zoo's budgets of steps; see scores.py.

The score is the mean return of 100 greedy episodes of the final policy in fresh environments. Where
an experiment has greedy checks, the policy is the best one in these.
"""

from benchmarks.tables import Row, Table, compared, mean, middle, name, seeds, worst
from lab.agents import environments


def random_score(environment: str, episodes: int = 200) -> float:
    """Mean return of uniformly random actions: "random" of the rows, rounded to one digit."""
    env = environments.make(environment)
    env.action_space.seed(0)
    total = 0.0
    for episode in range(episodes):
        env.reset(seed=episode)
        ended = False
        while not ended:
            _, reward, terminated, truncated, _ = env.step(env.action_space.sample())
            total += float(reward)
            ended = terminated or truncated
    return total / episodes


SCORES = {  # experiment: (random actions, RL-zoo)
    "reinforce_cartpole": (22.7, None),
    "a2c_cartpole": (22.7, 500),
    "ppo_cartpole": (22.7, 500),
    "ppo_acrobot": (-497.4, -73.5),
    "ppo_pendulum": (-1255.5, -172),
    "ppo_mountaincar_continuous": (-33.2, 88.3),
    "recurrent_ppo_cartpole_no_velocity": (23.3, None),
    "sac_pendulum": (-1255.5, -157),
    "td3_pendulum": (-1255.5, -152),
}
COLUMNS = [
    ("experiment", name("`{}`")),
    ("steps", lambda row, runs: f"{runs[0]['steps']:,}"),
    ("random", compared("random", ".1f")),
    ("RL-zoo", compared("RL-zoo", "g")),
    ("mean ± 95 %", mean("greedy_return", 1, "**{}**")),
    ("interquartile mean", middle("greedy_return", 1)),
    ("worst seed", worst("greedy_return", 1)),
    ("seeds", seeds),
]
ROWS = [
    Row(experiment, "--device", seeds=10, compared={"random": random, "RL-zoo": zoo})
    for experiment, (random, zoo) in SCORES.items()
]
TABLES = [Table(COLUMNS, ROWS)]
