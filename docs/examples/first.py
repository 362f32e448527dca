import gymnasium
from lab.agents import PPO

agent = PPO.for_env("CartPole-v1", learning_rate=1e-3, seed=0)
agent.fit(100_000)

environment = gymnasium.make("CartPole-v1")
observation, done, total = environment.reset(seed=1)[0], False, 0.0
while not done:
    observation, reward, terminated, truncated, _ = environment.step(
        agent.predict(observation)
    )
    done, total = terminated or truncated, total + float(reward)
print(total)
