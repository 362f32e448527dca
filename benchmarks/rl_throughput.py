"""PPO, A2C and SAC: environment steps per second, learning included, beside Stable-Baselines3.

python -m benchmarks.rl_throughput [--rounds 5] [--only ppo a2c sac envs] [--backends jax]

Both sides have the same settings:

ppo    CartPole, 8 environments, 128 steps, 4 epochs of 4 minibatches of 256, two networks of 64-64
       units; beside it the same algorithm in plain JAX (`pure_jax_ppo`)
a2c    CartPole, 8 environments, 5 steps
sac    Pendulum, one environment, one update of batch 256 after each step, networks of 256-256 units
envs   PPO's steps per second by the number of environments, minibatches of a quarter rollout

Each contender has a process of its own and is warmed up until everything is compiled. Then they
take turns of some steps. Reported: the ratio to Stable-Baselines3 in each round, and its median.
"""

import argparse
import statistics

from benchmarks.contender import Contender, compare_speeds, serve
from benchmarks.machine import describe, keep

STEPS = {"ppo": 40_960, "a2c": 20_000, "sac": 1_000}  # in a turn of Stable-Baselines3
# Factors of STEPS, so that all turns take about as many seconds.
FASTER = {("ppo", "pure"): 8, ("ppo", "device"): 8, ("ppo", "host"): 2, ("a2c", "device"): 8, ("a2c", "host"): 2}
ENVS = (8, 64, 512, 4_096)


def lab(algorithm, place, num_envs=8):
    """A function that trains the lab's agent for at least so many more steps. Returns how many."""
    import gymnasium
    from gymnasium.vector import AutoresetMode, SyncVectorEnv

    from envs.functional import functional
    from lab.agents import DeviceRollout, HostRollout

    name = "Pendulum-v1" if algorithm == "sac" else "CartPole-v1"
    count = 1 if algorithm == "sac" else num_envs
    make = [lambda: gymnasium.make(name, disable_env_checker=True)] * count
    envs = SyncVectorEnv(make[:1] if place == "device" else make, autoreset_mode=AutoresetMode.SAME_STEP, copy=False)
    agent = {"ppo": ppo, "a2c": a2c, "sac": sac}[algorithm](envs.single_observation_space, envs.single_action_space)
    if place == "host":
        rollout = HostRollout(agent, envs, seed=3)
        iterations = 1
    else:
        env, limit = functional(name, count)
        rollout = DeviceRollout(agent, env, max_episode_steps=limit, seed=3)
        iterations = max(1, {"ppo": 10_240, "a2c": 4_000, "sac": 250}[algorithm] // (agent.rollout_length * count))
    rollout.reset(0)
    learn = getattr(agent, "learning_starts", 0) == 0

    def go(steps):
        done = 0
        while done < steps:
            rollout.run(iterations, learn)
            done += iterations * agent.rollout_length * count
        return done

    return go


def ppo(observations, actions):
    """PPO with Stable-Baselines3's defaults, but for the numbers named above."""
    from lab.agents import PPO, FeedForward, policy_for
    from lab.models import actor_critic, dense_torso
    from lab.optimizers import Adam

    policy = policy_for(actions)
    network = FeedForward(actor_critic(observations.shape, policy.head, torso=dense_torso(), seed=0), policy)
    optimizer = Adam(3e-4, epsilon=1e-5, global_clipnorm=0.5)
    return PPO(network=network, optimizer=optimizer, rollout_length=128, epochs=4, minibatches=4, seed=1)


def a2c(observations, actions):
    """A2C with Stable-Baselines3's defaults."""
    from lab.agents import A2C, FeedForward, policy_for
    from lab.models import actor_critic, dense_torso
    from lab.optimizers import RMSprop

    policy = policy_for(actions)
    network = FeedForward(actor_critic(observations.shape, policy.head, torso=dense_torso(), seed=0), policy)
    return A2C(
        network=network, optimizer=RMSprop(7e-4, rho=0.99, epsilon=1e-5, epsilon_inside=False, global_clipnorm=0.5), seed=1
    )


def sac(observations, actions):
    """SAC with Stable-Baselines3's defaults."""
    from lab.agents import SAC, UniformReplay
    from lab.agents.off_policy import Critics
    from lab.agents.sac import LearntTemperature
    from lab.models.continuous import critic, gaussian_actor
    from lab.optimizers import Adam

    shape = observations.shape
    dimensions = actions.shape[0]
    hidden = (256, 256)
    online, targets = ([critic(shape, dimensions, hidden, seed=s) for s in pair] for pair in ((1, 2), (1, 2)))
    return SAC(
        actor=gaussian_actor(shape, dimensions, hidden, seed=0),
        critics=Critics(online, targets, Adam(3e-4)),
        optimizer=Adam(3e-4),
        temperature=LearntTemperature(dimensions, Adam(3e-4)),
        replay=UniformReplay(100_000, observations, actions, seed=3),
        action_space=actions,
        learning_starts=0,
        seed=4,
    )


def sb3(algorithm):
    """The same for Stable-Baselines3, with its `Monitor` around the environments."""
    import gymnasium
    from stable_baselines3 import A2C, PPO, SAC
    from stable_baselines3.common.env_util import make_vec_env

    if algorithm == "sac":
        env = gymnasium.make("Pendulum-v1", disable_env_checker=True)
        model = SAC("MlpPolicy", env, learning_starts=0, buffer_size=100_000, seed=0, device="cpu")
    else:
        envs = make_vec_env("CartPole-v1", n_envs=8, seed=0, env_kwargs={"disable_env_checker": True})
        settings = {"n_steps": 128, "n_epochs": 4, "batch_size": 256} if algorithm == "ppo" else {}
        model = {"ppo": PPO, "a2c": A2C}[algorithm]("MlpPolicy", envs, seed=0, device="cpu", **settings)

    def go(steps):
        before = model.num_timesteps
        model.learn(steps, reset_num_timesteps=False)
        return model.num_timesteps - before

    return go


def contender(algorithm, place, backend, num_envs=8):
    """A process that trains for some steps when it is told to."""
    return Contender("benchmarks.rl_throughput", algorithm, place, num_envs, backend=backend)


def start(algorithm, place, num_envs):
    """What a contender's process runs."""
    if place == "pure":
        from benchmarks.pure_jax_ppo import trainer

        go = trainer(num_envs, 10)
    else:
        go = sb3(algorithm) if place == "sb3" else lab(algorithm, place, num_envs)
    serve(go, 1, STEPS[algorithm] // 10)


def compare(algorithm, backends, rounds):
    """Rows of an algorithm: Stable-Baselines3, then the lab on host and device, by backend."""
    names = {"stable-baselines3": ("sb3", "torch")}
    for backend in backends:
        names |= {f"lab {place}, {backend}": (place, backend) for place in ("host", "device")}
    if algorithm == "ppo" and "jax" in backends:
        names["plain JAX"] = ("pure", "jax")
    contenders = {name: contender(algorithm, *where) for name, where in names.items()}

    def steps(name):
        return STEPS[algorithm] * FASTER.get((algorithm, names[name][0]), 1)

    return compare_speeds(contenders, rounds, steps, label=f"{algorithm} ")


def grow(backends):
    """Rows of PPO's steps per second on the device, with more and more environments."""
    rows = []
    for backend in backends:
        for count in ENVS:
            process = contender("ppo", "device", backend, count)
            values = [process.speed(max(200_000, 1_024 * count)) for _ in range(3)]
            process.end()
            rows.append({"backend": backend, "num_envs": count, "steps_per_second": [round(value) for value in values]})
            print(backend, count, f"{statistics.median(values):,.0f} steps/s", flush=True)
    draw(rows)
    return rows


def draw(rows):
    """Draws docs/ppo_throughput.png."""
    from matplotlib.figure import Figure

    from benchmarks.machine import ROOT

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for backend in dict.fromkeys(row["backend"] for row in rows):
        mine = [row for row in rows if row["backend"] == backend]
        counts, values = [row["num_envs"] for row in mine], [statistics.median(row["steps_per_second"]) for row in mine]
        axes.plot(counts, values, marker="o", label={"tensorflow": "TensorFlow", "jax": "JAX"}[backend])
    axes.set(xscale="log", xlabel="environments", ylabel="environment steps per second")
    axes.set_title("PPO on CartPole in one program, learning included, 2 cores", fontsize=10)
    axes.set_xticks(ENVS, [str(count) for count in ENVS], minor=False)
    axes.minorticks_off()
    axes.set_ylim(0)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(ROOT / "docs" / "ppo_throughput.png", dpi=120)


def main():
    """Runs the comparisons and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender")
    parser.add_argument("--only", nargs="*", default=["ppo", "a2c", "sac", "envs"], choices=["ppo", "a2c", "sac", "envs"])
    parser.add_argument("--backends", nargs="*", default=["tensorflow", "jax"], choices=["tensorflow", "jax"])
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.serve:
        return start(flags.serve[0], flags.serve[1], int(flags.serve[2]))
    packages = ["tensorflow", "keras", "jax", "gymnasium", "numpy", "torch", "stable-baselines3"]
    for name in flags.only:
        rows = grow(flags.backends) if name == "envs" else compare(name, flags.backends, flags.rounds)
        keep(f"rl_throughput_{name}", {"rounds": flags.rounds, "rows": rows} | describe(*packages))
    return None


if __name__ == "__main__":
    main()
