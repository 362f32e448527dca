import importlib
import re

import pytest

from lab.runs import memory
from lab.runs.memory import Need
from tests.processes import run
from tests.runs.test_command_line import MODULES

GB = 10**9


def machine(root, free, groups):
    """Files as of a Linux machine: `free` kB of memory, and the files of its control groups."""
    files = {"proc/meminfo": f"MemTotal: 99 kB\nMemAvailable:   {free} kB\n"} | groups
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


@pytest.mark.parametrize(
    ("groups", "kilobytes"),
    [
        ({}, 1000),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "max"}, 1000),
        (  # version 2; the limit is the parent's
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/memory.max": f"{700 * 1024}\n",
                "sys/fs/cgroup/a/memory.current": f"{300 * 1024}",
                "sys/fs/cgroup/a/memory.stat": f"anon 1\ninactive_file {50 * 1024}",
            },
            450,
        ),
        (  # version 1, in a container that sees its own group as the root
            {
                "proc/self/cgroup": "5:devices:/x\n4:cpu,memory:/docker/f00\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{300 * 1024}\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "0",
                "sys/fs/cgroup/memory/memory.stat": "cache 1",
            },
            300,
        ),
    ],
)
def test_there_is_what_the_machine_and_its_control_groups_leave(tmp_path, groups, kilobytes):
    assert memory.available(machine(tmp_path, 1000, groups)) == kilobytes * 1024


def test_there_is_something_here():
    assert memory.available() > 10**7


def test_what_is_needed_is_said_and_what_there_is_not_is_refused():
    needs = [
        Need("environments", 2_000_000, "--num-envs"),
        Need("replay", 16 * 10**12, "--buffer-size"),
        Need("data", 0, "--x"),
    ]
    assert memory.require(needs[::2], GB) == "memory: environments 2 MB; 1 GB are free"
    with pytest.raises(ValueError) as caught:
        memory.require(needs, GB)
    assert str(caught.value) == (
        "memory: expected a run for the 1 GB that are free, received one of 16 TB: "
        "16 TB for replay (--buffer-size), 2 MB for environments (--num-envs)"
    )


def test_by_hand():
    assert memory.dense(3, 5, 1) == 16 * (4 * 5 + 6 * 1)
    assert memory.array(2, 3) == 24
    assert [memory.amount(size) for size in (0, 999, 1234, 5 * 10**15)] == ["0 bytes", "999 bytes", "1.23 kB", "5 PB"]


class Large:
    """An object of 8 MB."""

    def __init__(self):
        self.content = bytearray(b"x" * 8_000_000)

    def close(self):
        """Nothing to close."""


def test_objects_are_as_large_as_the_process_grows():
    assert 6_000_000 < memory.of_each(Large) < 16_000_000  # in whole pages, and with what Python keeps


@pytest.mark.parametrize("name", MODULES)
def test_every_experiment_fits_into_a_laptop_as_it_is(name):
    usual = importlib.import_module(f"experiments.{name}").Config()
    if name.startswith("dp_"):  # a few hundred states
        assert not hasattr(usual, "memory")
    else:
        assert 1_000 < memory.total(usual.memory()) < 4 * GB


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("sac_pendulum", {"buffer_size": 7 * 10**8}, "92.4 GB for replay and its checkpoints (--buffer-size)"),
        ("ppo_cartpole", {"num_envs": 10**6}, "10 GB for environments (--num-envs"),
        ("ppo_cartpole", {"hidden": (10**5, 10**5)}, "320 GB for networks (--hidden)"),
        ("a2c_cartpole", {"rollout_length": 10**7}, "GB for rollouts (--num-envs, --rollout-length)"),
        ("dcgan_glyphs", {"samples": 10**7}, "102 GB for images (--data, --samples)"),
        ("dcgan_glyphs", {"filters": 4096}, "GB for players (--filters, --latent)"),
        ("gan_ring", {"samples": 10**9}, "24 GB for samples (--samples"),
        ("adding_problem", {"length": 10**5}, "GB for sequences (--samples"),
        ("copy_memory", {"units": 10**5}, "1.28 TB for recurrent layers (--units, --layers)"),
        ("tile_coding_mountaincar", {"tiles": 10**4}, "GB for weights (--tilings, --tiles)"),
        ("td_random_walk", {"episodes": 10**7}, "GB for curves (--runs, --episodes)"),
        ("mc_blackjack", {"control_episodes": 10**10}, "GB for returns (--control-episodes, --evaluation-episodes)"),
    ],
)
def test_what_no_laptop_holds_is_refused_with_the_amount(name, settings, words):
    config = importlib.import_module(f"experiments.{name}").Config(**settings)
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        memory.require(config.memory(), 8 * GB)
    assert str(caught.value).startswith("memory: expected a run for the 8 GB that are free, received one of ")


def test_a_run_that_needs_too_much_makes_nothing(own_home):
    done = run("experiments.sac_pendulum", "--hidden", "100000", "100000", KERAS_BACKEND="jax")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("memory: expected a run for the ") and " GB for networks " in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(own_home.iterdir()) == []
