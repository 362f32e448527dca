"""Batches of examples, their order and their mixtures."""

import numpy as np

from lab.supervised import Examples, cutmix, mixup


def test_the_order_depends_on_seed_and_epoch_alone():
    examples = Examples(np.arange(10.0)[:, None], np.arange(10), 4, seed=3)
    orders = []
    for epoch in (0, 1, 0):
        examples.begin(epoch)
        orders.append(np.concatenate([examples[i][1] for i in range(len(examples))]).tolist())
    assert orders[0] == orders[2] != orders[1]
    assert len(examples) == 2 and len(set(orders[0])) == 8
    other = Examples(np.arange(10.0)[:, None], np.arange(10), 4, seed=4)
    assert other[0][1].tolist() != orders[0][:4]


def test_mixup_is_a_mixture_of_two():
    x, y = np.arange(8, dtype="float32")[:, None], np.eye(8, dtype="float32")
    mixed, labels = mixup(x, y, np.random.default_rng(1), 0.4)
    rng = np.random.default_rng(1)
    share, other = rng.beta(0.4, 0.4), rng.permutation(8)
    np.testing.assert_allclose(mixed[:, 0], share * x[:, 0] + (1 - share) * other, rtol=1e-5)
    np.testing.assert_allclose(labels @ np.arange(8), mixed[:, 0], rtol=1e-5)


def test_cutmix_labels_are_areas():
    x = np.broadcast_to(np.arange(6, dtype="float32")[:, None, None, None], (6, 10, 12, 1))
    seen = set()
    for seed in range(30):
        mixed, labels = cutmix(x, np.eye(6, dtype="float32"), np.random.default_rng(seed), 1.0)
        for i in range(6):
            shares = np.bincount(mixed[i].ravel().astype(int), minlength=6) / 120
            np.testing.assert_allclose(labels[i], shares, atol=1e-6)
        seen.add(round(float(labels[0].max()), 3))
    assert len(seen) > 10
    assert (x[:, 0, 0, 0] == np.arange(6)).all()
