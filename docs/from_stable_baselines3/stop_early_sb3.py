from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import (
    EvalCallback,
    StopTrainingOnNoModelImprovement,
)
from stable_baselines3.common.env_util import make_vec_env

model = PPO("MlpPolicy", make_vec_env("CartPole-v1", n_envs=8))
stop = StopTrainingOnNoModelImprovement(max_no_improvement_evals=5)
check = EvalCallback(
    make_vec_env("CartPole-v1"),
    n_eval_episodes=10,
    eval_freq=1_000,
    callback_after_eval=stop,
    verbose=0,
)
model.learn(50_000, callback=check)
