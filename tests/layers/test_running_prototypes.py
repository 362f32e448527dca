"""Running prototypes against a loop over the steps of an episode."""

import keras
import numpy as np

from lab.layers import RunningPrototypes
from lab.models import prototypical_network
from tests.contracts import as_array, save_and_load, uniform

EMBEDDED = uniform(0, 2, 6, 3)
LABELS = np.array([[0, 1, 0, 2, 1, 0], [2, 2, 2, 1, 0, 1]])
SHOWN = np.concatenate([np.zeros((2, 1, 3)), np.eye(3)[LABELS[:, :-1]]], axis=1).astype("float32")  # a step later


def test_a_class_is_the_mean_of_what_was_labelled_before():
    layer = RunningPrototypes()
    layer.build([(2, 6, 3), (2, 6, 3)])
    layer.scale.assign(0.5)
    layer.unseen.assign(-7.0)
    got = as_array(layer([EMBEDDED, SHOWN]))
    for row in range(2):
        for step in range(6):
            for label in range(3):
                earlier = EMBEDDED[row, :step][LABELS[row, :step] == label].astype("float64")
                expected = -0.5 * ((EMBEDDED[row, step] - earlier.mean(0)) ** 2).sum() if len(earlier) else -7
                np.testing.assert_allclose(got[row, step, label], expected, atol=1e-5)


def test_the_network_sees_no_label_of_its_own_step():
    network = prototypical_network(3, 3, hidden=(5, 4), seed=0)
    x = np.concatenate([EMBEDDED, SHOWN], axis=-1)
    answers = as_array(network(x))
    np.testing.assert_array_equal(answers, as_array(save_and_load(network)(x)))
    changed = x.copy()
    changed[:, 4:] += 1
    np.testing.assert_allclose(as_array(network(changed))[:, :4], answers[:, :4], atol=1e-6)
    assert isinstance(network, keras.Model) and network.count_params() == (3 + 1) * 5 + (5 + 1) * 4 + 2


def test_it_names_what_is_clearly_apart():
    apart = 10 * np.eye(3)[LABELS].astype("float32") + 0.1 * EMBEDDED
    logits = as_array(RunningPrototypes()([apart, SHOWN]))
    seen_before = np.array([[label in row[:step] for step, label in enumerate(row)] for row in LABELS])
    assert (logits.argmax(-1) == LABELS)[seen_before].all()
