from lab.agents import SAC

agent = SAC.load("pendulum.zip")
action = agent.predict([1.0, 0.0, 0.0])
