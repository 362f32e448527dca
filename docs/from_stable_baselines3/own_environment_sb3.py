from corridor import Corridor
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

model = PPO("MlpPolicy", make_vec_env(Corridor, n_envs=8))
model.learn(50_000)
