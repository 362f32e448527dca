from lab.agents import SAC

agent = SAC.for_env("Pendulum-v1")
agent.fit(20_000)
agent.save("pendulum.zip")
