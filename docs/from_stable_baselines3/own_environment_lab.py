from corridor import Corridor
from lab.agents import PPO

agent = PPO.for_env(Corridor)
agent.fit(50_000)
