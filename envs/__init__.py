"""Gymnasium environments of the laboratory, registered as `lab/Name-vN` when this package is imported."""

from gymnasium.envs.registration import register

register(
    id="lab/CartPole-v1",
    entry_point="envs.cartpole:make",
    vector_entry_point="envs.cartpole:make_vec",
    max_episode_steps=500,
    reward_threshold=475.0,
)
