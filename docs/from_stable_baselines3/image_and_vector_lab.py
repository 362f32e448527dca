from corridor import Camera
from lab.agents import PPO

agent = PPO.for_env(Camera)
agent.fit(50_000)
