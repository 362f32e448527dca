"""Many runs of a mixture as one program, as `benchmarks.gan_mixtures` has them on a GPU."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.gan_mixtures import at_once
from experiments.common import mixture
from lab.data import ring
from tests.backends import only


@pytest.mark.long
@only("jax")
def test_seeds_in_one_program_are_what_each_is_alone(monkeypatch):
    brief = mixture.RECIPES["r3gan"]._replace(ema=0.9)  # 80 updates leave an average of 0.999 near its start
    monkeypatch.setitem(mixture.RECIPES, "r3gan", brief)
    small = {"samples": 400, "batch_size": 20, "generator_units": 8, "discriminator_units": 4, "evaluation_samples": 500}
    *earlier, found = at_once("ring", "r3gan", 4, [3, 4], **small)
    assert [runs[1]["samples_seen"] for runs in earlier] == [400, 800, 1200]
    assert found[0]["reverse_kl"] != found[1]["reverse_kl"]
    gan, x, latents = mixture.prepare(mixture.Mixture("r3gan", 4, **small), SimpleNamespace(seed=3, together=False), ring())
    before = gan.decode(latents)
    gan.fit(x, batch_size=20, epochs=4, verbose=0)
    alone = mixture.measure(gan, latents, ring())
    assert np.abs(gan.decode(latents) - before).mean() > 0.1
    np.testing.assert_allclose([found[0][key] for key in alone], list(alone.values()), atol=2e-3)
