"""Families of GANs on mixtures of Gaussians by PacGAN's protocol; see scores.py.

python -m benchmarks.gan_mixtures ROW [--seeds N]    measures all missing seeds of a row at once

That is one program, on JAX, for an accelerator that one small GAN leaves idle.

The mixtures are a ring of 8 and a grid of 25. A row is named by its mixture, its family and its
epochs of 1,000 updates. PacGAN's families train
for its 400,000 updates of 100 packs of 1, 2 or 4 samples: 40, 80 or 160 million. One seed of these
takes hours. R3GAN trains as long as the experiments do by default, a fifth of the fewest. 2,500
samples are measured after the last update.
"""

import argparse
import time
import types
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from benchmarks.machine import describe
from benchmarks.tables import Row, Run, Table, mean, samples_seen, seeds, worst
from experiments.common import mixture as shared

NAME = "gan_mixtures"
AT_ONCE = "JAX, all seeds in one program"
MODES = {"ring": 8, "grid": 25}
PROTOCOL = 400  # PacGAN's epochs
# Lin et al. 2018, table 1: (million samples seen, modes, % of high quality), means of 10 runs
PUBLISHED = {
    "ring": {"gan": (40, 6.3, 98.2), "pacgan2": (80, 7.9, 95.6), "pacgan4": (160, 7.8, 95.9)},
    "grid": {"gan": (40, 17.3, 94.8), "pacgan2": (80, 23.8, 91.3), "pacgan4": (160, 24.8, 93.6)},
}
# Every family with 24 epochs, on the ring from the worst to the best.
BRIEF = (
    "wgan_gp",
    "minimax",
    "hinge_sn",
    "wgan",
    "optimistic",
    "extragradient",
    "pacgan4",
    "gan",
    "lsgan",
    "pacgan2",
    "r3gan",
)


def rows(mixture: str) -> list[Row]:
    """The rows of a mixture, those of PacGAN's paper first."""

    def row(family, epochs, seeds):
        flags = f"--family {family} --epochs={epochs}"
        return Row(f"{mixture} {family} {epochs}", flags, f"gan_{mixture}", seeds, elsewhere=(AT_ONCE,))

    published = []
    for family, (seen, modes, quality) in PUBLISHED[mixture].items():
        cells = (title(mixture), f"{family}, published", f"{seen} million", f"{modes}", "–", f"{quality}", "–", "10")
        published.append(Row(f"{mixture} {family}, published", cells=cells))
    measured = [row(family, PROTOCOL, 10) for family in PUBLISHED[mixture]] + [row("r3gan", shared.Mixture.epochs, 10)]
    return published + measured + [row(family, 24, 1) for family in BRIEF]


def title(mixture: str) -> str:
    """The mixture with its number of modes."""
    return f"{mixture} of {MODES[mixture]}"


COLUMNS = [
    ("mixture", lambda row, runs: title(row.name.split()[0])),
    ("family", lambda row, runs: row.name.split()[1]),
    ("samples seen", samples_seen),
    ("modes", mean("modes", 1)),
    ("worst seed", worst("modes", 0)),
    ("high quality, %", mean("high_quality", 1, factor=100)),
    ("worst seed", worst("high_quality", 1, factor=100)),
    ("seeds", seeds),
]
TABLES = [Table(COLUMNS, rows("ring") + rows("grid"))]


def at_once(mixture: str, family: str, epochs: int, seeds: Sequence[int], **settings: Any) -> Iterator[list[Run]]:
    """The same runs on JAX as one program over all of them.

    One thing differs: the weights of R1 and R2 depend on the variance of a run's samples. All runs
    take the weights of the first one. The variances differ by less than a hundredth.

    Args:
        settings: of `experiments.common.mixture.Mixture`, other than the default.

    Yields:
        After each quarter of the passes, what has been found for each seed.
    """
    import jax

    from lab import data, engine, errors
    from lab.gan import loop

    began = time.monotonic()
    config = shared.Mixture(family=family, epochs=epochs, **settings)
    mixture = {"ring": data.ring, "grid": data.grid}[mixture]()
    gans, xs, latents = zip(
        *(shared.prepare(config, types.SimpleNamespace(seed=seed, together=False), mixture) for seed in seeds)
    )
    size = config.update_size
    steps = loop.updates_per_epoch(gans[0], config.samples, config.turn_size)
    program = engine.compile(loop.many(gans[0]), gans[0].state)
    update = jax.jit(jax.vmap(program.pure), donate_argnums=0)
    state = [np.stack([engine.read(variable) for variable in same]) for same in zip(*(gan.state for gan in gans))]
    device = f"{jax.devices()[0].device_kind}, {len(seeds)} seeds in one program"
    for epoch in range(config.passes):
        shuffled = (loop.batches(x, None, size, steps, steps, seed=gan.seed, epoch=epoch) for gan, x in zip(gans, xs))
        _, state = update(state, (np.stack([next(batches)[1][0] for batches in shuffled]),))
        if (epoch + 1) % -(-config.passes // 4) and epoch + 1 < config.passes:
            continue
        for variables, values in zip(zip(*(gan.state for gan in gans)), state):
            for variable, value in zip(variables, np.asarray(values)):
                variable.assign(value)
        for gan, seed in zip(gans, seeds):
            errors.require_finite_variables(gan.state, f"epoch {epoch + 1} of seed {seed}")
        same = {"samples_seen": (epoch + 1) * steps * size, "minutes_together": round((time.monotonic() - began) / 60, 2)}
        results = (shared.measure(gan, latent, mixture) for gan, latent in zip(gans, latents))
        yield [
            {key: round(value, 5) for key, value in result.items()} | {"seed": seed, "device": device} | same
            for result, seed in zip(results, seeds)
        ]


def main():
    """Measures the missing seeds of a row in one program. Keeps them beside those of scores.py."""
    from benchmarks import scores

    known = {row.name: row for row in TABLES[0].rows if not row.cells}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("row", choices=known)
    parser.add_argument("--seeds", type=int, help="by default as many as the row says")
    flags = parser.parse_args()
    if keras.backend.backend() != "jax":
        parser.error(f"expected KERAS_BACKEND=jax, received {keras.backend.backend()}")
    row = known[flags.row]
    missing = [seed for seed in range(flags.seeds or row.seeds) if not scores.is_kept(NAME, row, row.ways[0], seed)]
    if missing:
        mixture, family, epochs = row.name.split()
        about = describe("jax", "keras", "numpy")
        *_, runs = at_once(mixture, family, int(epochs), missing)
        for run in runs:
            scores.append(NAME, row, AT_ONCE, run, about)


if __name__ == "__main__":
    main()
