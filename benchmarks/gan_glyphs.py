"""Image GANs on digit glyphs of 28 x 28 pixels, and on scikit-learn's digits; see scores.py.

The floor of the measures is real glyphs of another seed in place of generated ones.
"""

import time

import numpy as np

from benchmarks.tables import Row, Run, Table, mean, means, minutes, name, samples_seen, seeds

COUNT = 5_000  # glyphs on each side, as in the experiments


def real_against_real(seed: int) -> Run:
    """The experiments' measures of real glyphs against real ones."""
    from lab.data import glyphs
    from lab.gan import Evaluation
    from lab.models import trained_glyph_classifier

    network, digest = trained_glyph_classifier()
    numbers = np.random.SeedSequence(seed).generate_state(2).tolist()
    real, other = (glyphs(COUNT, seed=number, cache=False) for number in numbers)
    began = time.perf_counter()
    results = Evaluation(network, real[0], verbose=1)(*other)
    seconds = round(time.perf_counter() - began, 1)
    about = {"seconds": seconds, "seed": seed, "feature_network": f"{network.name} {digest}"}
    return {key: round(value, 5) for key, value in results.items()} | about


def table(columns, rows):
    """A table of {row: flags}."""
    first, last = [("experiment", name()), ("images seen", samples_seen)], [("minutes", minutes(0)), ("seeds", seeds)]
    return Table([*first, *columns, *last], [Row(name, flags, seeds=3) for name, flags in rows.items()])


IMAGES = {
    "dcgan_glyphs": "",
    "wgan_gp_glyphs": "",
    "sngan_glyphs": "",
    "r3gan_glyphs": "",
    "conditional_gan_glyphs": "",
    "conditional_gan_glyphs concatenation": "--conditioning concatenation",
    "conditional_gan_glyphs acgan": "--conditioning acgan",
}
STACKS = {"stacked_glyphs": "", "stacked_glyphs dcgan": "--family dcgan", "stacked_glyphs pacgan2": "--family pacgan2"}
MEASURES = {
    "frechet_distance": 1,
    "kernel_distance": 1,
    "precision": 2,
    "recall": 2,
    "density": 2,
    "coverage": 2,
    "as_asked": 3,
}
TABLES = [
    table(means(MEASURES), IMAGES),
    table([("modes of 1,000", mean("modes", 0)), ("reverse KL", mean("reverse_kl", 2))], STACKS),
    table(means({"code_accuracy": 2}), {"infogan_digits": ""}),
]
TABLES[0].rows.insert(0, Row("real against real", seeds=3, measure=real_against_real))
