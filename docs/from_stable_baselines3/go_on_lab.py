from lab.agents import SAC

agent = SAC.load("pendulum.zip")
agent.fit(20_000)
