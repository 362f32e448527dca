import gymnasium
from stable_baselines3 import DQN

env = gymnasium.make("CartPole-v1")
model = DQN("MlpPolicy", env)
model.learn(50_000)
observation, done = env.reset(seed=0)[0], False
while not done:
    action, _ = model.predict(observation, deterministic=True)
    observation, reward, terminated, truncated, _ = env.step(action)
    done = terminated or truncated
