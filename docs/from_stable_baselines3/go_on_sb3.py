import gymnasium
from stable_baselines3 import SAC

model = SAC.load("pendulum.zip", env=gymnasium.make("Pendulum-v1"))
model.load_replay_buffer("replay.pkl")
model.learn(20_000, reset_num_timesteps=False)
