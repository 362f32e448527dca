from stable_baselines3 import A2C
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

model = A2C("MlpPolicy", make_vec_env("CartPole-v1", n_envs=8))
model.learn(50_000)
mean, standard_deviation = evaluate_policy(
    model, make_vec_env("CartPole-v1"), n_eval_episodes=100
)
