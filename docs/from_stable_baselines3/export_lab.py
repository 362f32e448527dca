from lab.agents import PPO

agent = PPO.for_env("CartPole-v1")
agent.fit(50_000)
agent.export("policy")
