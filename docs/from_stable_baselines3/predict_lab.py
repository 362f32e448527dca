import gymnasium
from lab.agents import DQN

env = gymnasium.make("CartPole-v1")
agent = DQN.for_env(env)
agent.fit(50_000)
observation, done = env.reset(seed=0)[0], False
while not done:
    action = agent.predict(observation)
    observation, reward, terminated, truncated, _ = env.step(action)
    done = terminated or truncated
