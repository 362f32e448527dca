from lab.agents import PPO

agent = PPO.for_env("CartPole-v1", seed=0)
agent.fit(100_000)
print(agent.evaluate(episodes=100))
agent.save("cartpole.zip")
