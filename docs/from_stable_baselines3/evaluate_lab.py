from lab.agents import A2C

agent = A2C.for_env("CartPole-v1")
agent.fit(50_000)
mean, interval, returns = agent.evaluate(episodes=100)
