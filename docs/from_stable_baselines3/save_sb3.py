from stable_baselines3 import SAC

model = SAC("MlpPolicy", "Pendulum-v1")
model.learn(20_000)
model.save("pendulum.zip")
model.save_replay_buffer("replay.pkl")
