"""Families of GANs on the ring of 8 and the grid of 25 Gaussians at PacGAN's protocol: modes, high quality, samples seen.

python -m benchmarks.gan_mixtures [--mixtures ring grid] [--families gan r3gan] [--seeds 10]
python -m benchmarks.gan_mixtures --at-once      all seeds in one program: on JAX, for an accelerator that one small GAN leaves idle
python -m benchmarks.gan_mixtures --table        README's table of the results that are kept

PacGAN's families train for its 400,000 updates of 100 packs (of 1, 2 or 4 samples: 40, 80 or 160 million), the others as long as the experiments
do by default, a fifth of the fewest. 2,500 samples are measured after the last update. What is measured is kept, seed by seed but with --at-once, and not run again.
"""

import argparse
import json
import time
import types

import keras
import numpy as np

from benchmarks.machine import RESULTS, describe, interval, keep
from benchmarks.one_run import measure
from experiments.common import mixture as shared

MODES = {"ring": 8, "grid": 25}
EPOCHS = dict.fromkeys(
    ("gan", "pacgan2", "pacgan4"), 400
)  # of 1,000 updates, PacGAN's protocol; the others: the experiments' default
SEEN = {"gan": 40, "pacgan2": 80, "pacgan4": 160}  # million samples of the published runs
PUBLISHED = {
    "ring": {"gan": (6.3, 98.2), "pacgan2": (7.9, 95.6), "pacgan4": (7.8, 95.9)},
    "grid": {"gan": (17.3, 94.8), "pacgan2": (23.8, 91.3), "pacgan4": (24.8, 93.6)},
}  # modes and % of high quality, means of 10 runs (Lin et al. 2018, table 1)


def sort_key(item):
    """The longest runs first, then by modes and quality, the worst first."""
    key, row = item
    means = [np.mean([run[name] for run in row["runs"]]) for name in ("modes", "high_quality")]
    return -int(key.split(" ")[2]), *means


def table(rows):
    """README's table."""
    lines = [
        "| mixture | family | samples seen | modes | worst seed | high quality, % | worst seed | seeds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for mixture, count in MODES.items():
        for family, (modes, quality) in PUBLISHED[mixture].items():
            lines.append(
                f"| {mixture} of {count} | {family}, published | {SEEN[family]} million | {modes} | – | {quality} | – | 10 |"
            )
        for key, row in sorted((item for item in rows.items() if item[0].startswith(mixture)), key=sort_key):
            modes, quality = ([run[name] for run in row["runs"]] for name in ("modes", "high_quality"))
            seen = f"{row['runs'][0]['samples_seen'] / 1e6:.1f} million"
            lines.append(
                f"| {mixture} of {count} | {key.split(' ')[1]} | {seen} | {interval(modes, 1)} | {min(modes):.0f} | "
                f"{interval(100 * np.array(quality), 1)} | {100 * min(quality):.1f} | {len(modes)} |"
            )
    return "\n".join(lines)


def at_once(mixture, family, epochs, seeds, **settings):
    """The same runs on JAX as one program over all of them. Yields their results after each quarter of the passes.

    What differs: R1 and R2 weigh for all what they do for the first seed's samples, whose variance is another's within a hundredth.

    Args:
        settings: of `experiments.common.mixture.Mixture`, other than the default.
    """
    import jax

    from lab import data, engine, errors
    from lab.gan import loop

    began = time.monotonic()
    config = shared.Mixture(family=family, epochs=epochs, **settings)
    mixture = {"ring": data.ring, "grid": data.grid}[mixture]()
    gans, xs, latents = zip(*(shared.prepare(config, types.SimpleNamespace(seed=seed), mixture) for seed in seeds))
    size, steps = config.update_size, loop.updates_per_epoch(gans[0], config.samples, config.turn_size)
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
        same |= {"commit": describe()["commit"], "device": device}
        found = (shared.measure(gan, latent, mixture) for gan, latent in zip(gans, latents))
        yield [{k: round(v, 5) for k, v in result.items()} | {"seed": seed} | same for result, seed in zip(found, seeds)]


def main():
    """Runs what is missing and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mixtures", nargs="*", default=list(MODES), choices=list(MODES))
    parser.add_argument("--families", nargs="*", default=["r3gan", "gan"], choices=list(shared.RECIPES))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=int, help="passes over the samples, of every family; by default the family's own")
    parser.add_argument("--at-once", action="store_true", help="all seeds in one program, on JAX")
    parser.add_argument("--table", action="store_true", help="print README's table and run nothing")
    flags = parser.parse_args()
    path = RESULTS / "gan_mixtures.json"
    kept = json.loads(path.read_text())["rows"] if path.exists() else {}
    if flags.table:
        print(table(kept))
        return
    if flags.at_once and keras.backend.backend() != "jax":
        parser.error(f"--at-once: expected KERAS_BACKEND=jax, received {keras.backend.backend()}")
    for family in flags.families:
        epochs = flags.epochs or EPOCHS.get(family, shared.Mixture.epochs)
        for mixture in flags.mixtures:
            runs = kept.setdefault(f"{mixture} {family} {epochs}", {"runs": []})["runs"]
            missing = [seed for seed in range(flags.seeds) if seed not in [run["seed"] for run in runs]]
            for seeds in [missing] if flags.at_once and missing else [[seed] for seed in missing]:
                if flags.at_once:
                    *_, found = at_once(mixture, family, epochs, seeds)
                else:
                    found = [measure(f"gan_{mixture}", ["--family", family, f"--epochs={epochs}"], *seeds)]
                runs += found
                keep("gan_mixtures", {"rows": kept} | describe(keras.backend.backend(), "keras", "numpy"))
                print(mixture, family, found, flush=True)


if __name__ == "__main__":
    main()
