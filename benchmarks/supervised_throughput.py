"""A supervised training step: milliseconds, beside torch and plain `keras.Model.fit`.

python -m benchmarks.supervised_throughput [--rounds 7] [--updates 20 100]

Two tasks, with batches of 64, 10 classes, cross-entropy and accuracy, float32, two threads:

resnet20   ResNet-20 (He et al. 2016, option A) on 32 x 32 x 3 pixels, SGD with Nesterov's momentum
lstm       an LSTM of 128 units over 50 steps of 16 numbers, and a linear map; Adam

Contenders:

torch             the usual loop, batches from an array in memory; for images also with channels
                  last, which oneDNN may prefer
keras fit         `keras.Model.fit` of arrays, compiled as Keras does by default, without callbacks,
                  with Keras's own batch normalisation
lab, tensorflow   `Training.fit` of the same network, which checks numbers after each epoch and has
                  exact epochs
lab, jax          the same source

Each contender has a process of its own, and they take turns. A turn is an epoch of `--updates`. The
LSTM's shorter updates are more, so that the rest of an epoch weighs about the same in both tasks.
Reported: the ratios of times to torch's and to Keras's in each round, and their medians.
"""

import argparse

from benchmarks.contender import Contender, serve, take_turns
from benchmarks.machine import describe, keep

BATCH = 64
CLASSES = 10
LENGTH = 50
FEATURES = 16
UNITS = 128
CONTENDERS = {
    "torch": ("torch", "tensorflow"),
    "torch, channels last": ("torch-last", "tensorflow"),
    "keras fit": ("keras", "tensorflow"),
    "lab, tensorflow": ("lab", "tensorflow"),
    "lab, jax": ("lab", "jax"),
}


def examples(task, count):
    """Noise in place of examples. The values do not change the time."""
    import numpy as np

    rng = np.random.default_rng(0)
    shape = (32, 32, 3) if task == "resnet20" else (LENGTH, FEATURES)
    return rng.uniform(-1, 1, (count, *shape)).astype("float32"), rng.integers(0, CLASSES, count)


def network(task):
    """The Keras network of a task."""
    from lab.models import sequence_network, small_resnet

    if task == "resnet20":
        return small_resnet((32, 32, 3), CLASSES, depth=20, seed=0)
    return sequence_network("lstm", CLASSES, features=FEATURES, units=UNITS, seed=0)


def lab(task, updates):
    """`Training.fit`."""
    import dataclasses

    from lab.supervised import Recipe, Training

    recipe = Recipe(
        epochs=1,
        batch_size=BATCH,
        optimizer="sgd" if task == "resnet20" else "adam",
        learning_rate=1e-3,
        warm_up=0.0,
        schedule="constant",
    )
    training = Training(network(task), recipe, steps_per_epoch=updates, classes=CLASSES, seed=0)
    x, y = examples(task, BATCH * updates)
    done = [0]

    def go(_):
        training.recipe = dataclasses.replace(recipe, epochs=done[0] + 1)
        training.fit(x, y, initial_epoch=done[0])
        done[0] += 1
        return updates

    return go


def plain_keras(task, updates):
    """`keras.Model.fit`."""
    import keras

    def own(layer):
        kind = keras.layers.BatchNormalization if isinstance(layer, keras.layers.BatchNormalization) else type(layer)
        return kind.from_config(layer.get_config())

    model = keras.models.clone_model(network(task), clone_function=own)
    optimizer = keras.optimizers.SGD(1e-3, momentum=0.9, nesterov=True) if task == "resnet20" else keras.optimizers.Adam(1e-3)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    x, y = examples(task, BATCH * updates)

    def go(_):
        model.fit(x, y, batch_size=BATCH, verbose=0)
        return updates

    return go


def torch_network(task):
    """The same network in torch."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.inner = nn.Sequential(
                nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
                nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
                nn.BatchNorm2d(outputs),
            )
            self.stride = stride
            self.more = outputs - inputs

        def forward(self, x):
            shortcut = nn.functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.more))
            return torch.relu(shortcut + self.inner(x))

    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(FEATURES, UNITS, batch_first=True)
            self.read = nn.Linear(UNITS, CLASSES)

        def forward(self, x):
            return self.read(self.lstm(x)[0][:, -1])

    def resnet():
        widths = [(16, 16, 1)] * 3 + [(16, 32, 2)] + [(32, 32, 1)] * 2 + [(32, 64, 2)] + [(64, 64, 1)] * 2
        blocks = [Block(*width) for width in widths]
        stem = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
        return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, CLASSES))

    return resnet() if task == "resnet20" else Last()


def in_torch(task, updates, last=False):
    """The same in torch, where `last` says so with channels last."""
    import torch

    torch.set_num_threads(2)
    torch.manual_seed(0)

    model = torch_network(task)
    parameters = model.parameters()
    if task == "resnet20":
        optimizer = torch.optim.SGD(parameters, 1e-3, 0.9, nesterov=True)
    else:
        optimizer = torch.optim.Adam(parameters, 1e-3)
    loss = torch.nn.CrossEntropyLoss()
    x, y = map(torch.tensor, examples(task, BATCH * updates))
    if task == "resnet20":
        form = torch.channels_last if last else torch.contiguous_format
        x, model = x.permute(0, 3, 1, 2).contiguous(memory_format=form), model.to(memory_format=form)

    def go(_):
        right, total = 0, 0.0
        for chosen in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            logits = model(x[chosen])
            value = loss(logits, y[chosen])
            value.backward()
            optimizer.step()
            right += int((logits.argmax(1) == y[chosen]).sum())
            total += float(value)
        return updates

    return go


def compare(task, rounds, updates):
    """The rows of a task: milliseconds per update and ratios."""
    contenders = {
        name: Contender("benchmarks.supervised_throughput", kind, task, updates, backend=backend)
        for name, (kind, backend) in CONTENDERS.items()
        if task == "resnet20" or kind != "torch-last"
    }
    bases = [base for base in ("torch", "torch, channels last", "keras fit") if base in contenders]
    return take_turns(contenders, rounds, updates, bases, task=task)


def main():
    """Runs the comparison and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="turns of each contender")
    parser.add_argument(
        "--updates", type=int, nargs=2, default=[20, 100], help="updates in a turn, of ResNet-20 and of the LSTM"
    )
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.serve:
        kind, task, updates = flags.serve
        kinds = {
            "torch": in_torch,
            "torch-last": lambda task, updates: in_torch(task, updates, last=True),
            "keras": plain_keras,
            "lab": lab,
        }
        return serve(kinds[kind](task, int(updates)), 1, 1)
    updates = dict(zip(("resnet20", "lstm"), flags.updates))
    settings = {"batch": BATCH, "rounds": flags.rounds, "updates": updates}
    rows = [row for task, count in updates.items() for row in compare(task, flags.rounds, count)]
    keep("supervised_throughput", settings | {"rows": rows} | describe("tensorflow", "keras", "jax", "torch", "numpy"))
    return None


if __name__ == "__main__":
    main()
