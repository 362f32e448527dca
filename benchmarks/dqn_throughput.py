"""DQN on CartPole: environment steps per second, learning included, beside Stable-Baselines3.

python -m benchmarks.dqn_throughput [--rounds 5] [--steps 8192]

RL-zoo's settings for both: one environment, 128 updates of batch 64 every 256 steps, a network of
256-256 units, Adam 2.3e-3, replay of 100,000. Each contender has a process and a backend of its
own. It is warmed up until everything is compiled. In a round each makes some steps in turn, so
that a busy moment of the machine hits all of them. Reported: the ratio to Stable-Baselines3 in
each round, and its median.
"""

import argparse

from benchmarks.contender import Contender, compare_speeds, serve
from benchmarks.machine import describe, keep

CONTENDERS = {
    "stable-baselines3": ("sb3", "torch"),
    "lab host, TensorFlow": ("host", "tensorflow"),
    "lab device, TensorFlow": ("device", "tensorflow"),
    "lab host, JAX": ("host", "jax"),
    "lab device, JAX": ("device", "jax"),
}


def lab(place):
    """A function that trains the lab's DQN for at least so many more steps. Returns how many."""
    import gymnasium
    from gymnasium.vector import AutoresetMode, SyncVectorEnv

    from envs.cartpole import CartPole
    from lab.agents import DQN, DeviceRollout, HostRollout, UniformReplay, exploration
    from lab.models import mlp
    from lab.optimizers import Adam

    make = [lambda: gymnasium.make("CartPole-v1", disable_env_checker=True)]
    envs = SyncVectorEnv(make, autoreset_mode=AutoresetMode.SAME_STEP, copy=False)
    observations, actions = envs.single_observation_space, envs.single_action_space
    agent = DQN(
        online=mlp((4,), (256, 256), 2, seed=0),
        target=mlp((4,), (256, 256), 2, seed=0),
        optimizer=Adam(2.3e-3, global_clipnorm=10.0),
        replay=UniformReplay(100_000, observations, actions, seed=1),
        batch_size=64,
        rollout_length=256,
        updates=128,
        target_every=128,
        epsilon=exploration.constant(0.04),
        seed=2,
    )
    if place == "host":
        rollout = HostRollout(agent, envs, seed=3)
        iterations = 1
    else:
        rollout = DeviceRollout(agent, CartPole(1), max_episode_steps=500, seed=3)
        iterations = 4  # as between two reports of lab.agents.train
    rollout.reset(0)

    def go(steps):
        done = 0
        while done < steps:
            rollout.run(iterations, learn=True)
            done += iterations * 256
        return done

    return go


def sb3():
    """The same for Stable-Baselines3."""
    from stable_baselines3 import DQN

    model = DQN(
        "MlpPolicy",
        "CartPole-v1",
        learning_rate=2.3e-3,
        batch_size=64,
        buffer_size=100_000,
        learning_starts=0,
        gamma=0.99,
        target_update_interval=10,
        train_freq=256,
        gradient_steps=128,
        exploration_fraction=0.16,
        exploration_final_eps=0.04,
        policy_kwargs={"net_arch": [256, 256]},
        seed=0,
        device="cpu",
    )

    def go(steps):
        before = model.num_timesteps
        model.learn(steps, reset_num_timesteps=False)
        return model.num_timesteps - before

    return go


def main():
    """Runs the rounds and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender")
    parser.add_argument("--steps", type=int, default=8192, help="environment steps in a turn")
    parser.add_argument("--only", nargs="*", default=list(CONTENDERS), choices=list(CONTENDERS), help="contenders")
    parser.add_argument("--name", default="dqn_throughput", help="name of the result file")
    parser.add_argument("--serve", choices=["sb3", "host", "device"], help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.serve:
        return serve(sb3() if flags.serve == "sb3" else lab(flags.serve), 2048)
    contenders = {}
    for name in flags.only:
        kind, backend = CONTENDERS[name]
        contenders[name] = Contender("benchmarks.dqn_throughput", kind, backend=backend)
    rows = compare_speeds(contenders, flags.rounds, lambda name: flags.steps)
    packages = ["tensorflow", "keras", "jax", "gymnasium", "numpy", "torch", "stable-baselines3"]
    settings = {"rounds": flags.rounds, "steps": flags.steps}
    return keep(flags.name, settings | {"rows": rows} | describe(*packages))


if __name__ == "__main__":
    main()
