from corridor import Camera
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

model = PPO("MultiInputPolicy", make_vec_env(Camera, n_envs=8))
model.learn(50_000)
