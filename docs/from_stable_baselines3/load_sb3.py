from stable_baselines3 import SAC

model = SAC.load("pendulum.zip")
model.load_replay_buffer("replay.pkl")
action, _ = model.predict([1.0, 0.0, 0.0], deterministic=True)
