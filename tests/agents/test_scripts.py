"""The script of the README, on an environment that needs an extra."""

import numpy as np
import pytest

SCRIPT = """
import gymnasium as gym
from lab.agents import PPO
agent = PPO.for_env("LunarLander-v3", num_envs=16, seed=0)
history = agent.fit(20_000, verbose=0)
print(agent.evaluate(episodes=10))
env = gym.make("LunarLander-v3")
observation, _ = env.reset(seed=0)
ended, total = False, 0.0
while not ended:
    observation, reward, terminated, truncated, _ = env.step(agent.predict(observation))
    ended, total = terminated or truncated, total + reward
"""


@pytest.mark.long
@pytest.mark.usefixtures("graphs")
def test_twelve_lines_on_lunar_lander(capsys):
    pytest.importorskip("Box2D")
    lines = SCRIPT.strip().splitlines()
    assert len(lines) <= 12
    scope: dict = {}
    exec(SCRIPT, scope)
    assert "(10 episodes)" in capsys.readouterr().out
    history = scope["history"].history
    assert len(history["step"]) == 10 and history["step"][-1] == 20_480 == scope["agent"].step
    assert np.isfinite(scope["total"]) and np.isfinite(history["policy_loss"]).all()
