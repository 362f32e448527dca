from keras import Input, Sequential, layers
from lab.agents import PPO

features = Sequential(
    [Input((4,)), layers.Dense(64, "gelu"), layers.LayerNormalization()]
)
agent = PPO.for_env("CartPole-v1", network=features)
agent.fit(50_000)
