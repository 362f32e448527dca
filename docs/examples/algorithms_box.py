from lab.agents import ALGORITHM

agent = ALGORITHM.for_env("Pendulum-v1", seed=0)
agent.fit(20_000)
print(agent.evaluate(episodes=100))
agent.save("pendulum.zip")
