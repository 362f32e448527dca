from keras.callbacks import EarlyStopping
from lab.agents import PPO

agent = PPO.for_env("CartPole-v1")
stop = EarlyStopping("val_return", mode="max", patience=5)
agent.fit(50_000, validation_episodes=10, callbacks=[stop])
