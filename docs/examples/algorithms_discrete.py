from lab.agents import ALGORITHM

agent = ALGORITHM.for_env("CartPole-v1", seed=0)
agent.fit(50_000)
print(agent.evaluate(episodes=100))
agent.save("cartpole.zip")
