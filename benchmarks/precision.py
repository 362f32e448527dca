"""float32 over mixed_bfloat16: how much faster a training step is, beside torch's autocast.

python -m benchmarks.precision [--rounds 5] [--updates 8 16 8 8] [--backend tensorflow]

Four networks, with batches of 64 at 28 x 28, and all cores:

convolutions   five 3 x 3 convolutions of 64 channels with ReLUs, on 64 channels; Adam
resnet20       ResNet-20 with all its channels (He et al. 2016, option A); SGD with momentum
unet           a U-Net of 32, 64 and 128 channels, a class for each pixel (lab/models/unet.py); Adam
dcgan          a turn of DCGAN's discriminator and one of its generator, 64 base channels; two Adams

Each contender has a process of its own: the lab and, where it is installed, torch, in float32 and
in bfloat16. torch's bfloat16 is `torch.autocast` around forward passes and losses, with channels
last. They take turns of `--updates`, a number for each network. Reported: milliseconds of an update
in each round, and for the lab and for torch the ratio float32 / bfloat16 with its median.

Without amx_bf16, float32 convolutions emulate bfloat16, and the ratio is far below 1.
"""

import argparse
import contextlib
import dataclasses
import importlib.util
import itertools
import statistics

from benchmarks.contender import Contender, serve
from benchmarks.gan_throughput import torch_players
from benchmarks.machine import describe, keep
from benchmarks.supervised_throughput import torch_network
from lab.runs import machine

BATCH = 64
CLASSES = 10
CHANNELS = 64
LATENT = 64
WIDTHS = (32, 64, 128)  # of the U-Net
SUPERVISED = ("convolutions", "resnet20", "unet")
NETWORKS = (*SUPERVISED, "dcgan")
PRECISIONS = ("float32", "mixed_bfloat16")


def images(network, count):
    """Noise in place of images. The values do not change the time."""
    import numpy as np

    channels = {"convolutions": CHANNELS, "resnet20": 3, "unet": 3, "dcgan": 1}[network]
    return np.random.default_rng(0).uniform(-1, 1, (count, 28, 28, channels)).astype("float32")


def labels(network, count):
    """Labels without a meaning, of images or of their pixels."""
    import numpy as np

    return np.random.default_rng(1).integers(0, CLASSES, (count, 28, 28) if network == "unet" else count)


def keras_network(network):
    """A supervised network."""
    import keras

    from lab.models import small_resnet, unet

    if network == "unet":
        return unet((28, 28, 3), CLASSES, widths=WIDTHS, seed=0)
    if network == "resnet20":
        return small_resnet((28, 28, 3), CLASSES, depth=20, seed=0)
    x = inputs = keras.Input((28, 28, CHANNELS))
    for _ in range(5):
        x = keras.layers.Conv2D(CHANNELS, 3, padding="same", activation="relu")(x)
    return keras.Model(inputs, keras.layers.Dense(CLASSES)(keras.layers.GlobalAveragePooling2D()(x)))


def lab(network, precision, updates):
    """`Training.fit` or `GAN.fit`, an epoch of `updates`."""
    return lab_gan(precision) if network == "dcgan" else lab_supervised(network, precision, updates)


def lab_supervised(network, precision, updates):
    """A function that trains for an epoch."""
    from lab.losses import pixel_crossentropy
    from lab.supervised import Recipe, Training

    optimizer = "sgd" if network == "resnet20" else "adam"
    recipe = Recipe(1, BATCH, optimizer, 1e-3, warm_up=0.0, schedule="constant", precision=precision)
    kind = {"loss": pixel_crossentropy, "metrics": []} if network == "unet" else {"classes": CLASSES}
    training = Training(keras_network(network), recipe, steps_per_epoch=updates, **kind, seed=0)
    x, y = images(network, BATCH * updates), labels(network, BATCH * updates)
    done = [0]

    def go(_):
        training.recipe = dataclasses.replace(recipe, epochs=done[0] + 1)
        training.fit(x, y, initial_epoch=done[0])
        done[0] += 1
        return updates

    return go


def lab_gan(precision):
    """A function that trains a DCGAN for some updates."""
    from lab.gan import GAN
    from lab.losses import adversarial
    from lab.models import dcgan_discriminator, dcgan_generator
    from lab.optimizers import Adam

    gan = GAN(
        dcgan_generator(latent=LATENT, filters=CHANNELS, seed=0),
        dcgan_discriminator(filters=CHANNELS, seed=1),
        adversarial.non_saturating,
        generator_optimizer=Adam(2e-4, 0.5),
        discriminator_optimizer=Adam(2e-4, 0.5),
        ema=0.0,
        precision=precision,
        seed=0,
    )

    def go(updates):
        gan.fit(images("dcgan", BATCH * updates), batch_size=BATCH, verbose=0)
        return updates

    return go


def torch_model(network):
    """A supervised network in torch."""
    from torch import nn

    if network == "resnet20":
        return torch_network("resnet20")
    if network == "unet":
        return torch_unet()
    convolutions = [layer for _ in range(5) for layer in (nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1), nn.ReLU())]
    return nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(CHANNELS, CLASSES))


def torch_unet():
    """The same U-Net in torch."""
    import torch
    from torch import nn

    def level(inputs, outputs):
        units = ((nn.Conv2d(n, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)) for n in (inputs, outputs))
        return nn.Sequential(*(layer for unit in units for layer in (*unit, nn.ReLU())))

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            pairs = list(itertools.pairwise(WIDTHS))
            self.down = nn.ModuleList(level(*sizes) for sizes in zip((3, *WIDTHS[:-1]), WIDTHS, strict=True))
            self.narrower = nn.ModuleList(nn.Conv2d(deep, fine, 1, bias=False) for fine, deep in pairs)
            self.up = nn.ModuleList(level(2 * fine, fine) for fine, _ in pairs)
            self.head = nn.Conv2d(WIDTHS[0], CLASSES, 1)

        def forward(self, x):
            skips = [x := self.down[0](x)]
            for each in self.down[1:]:
                skips.append(x := each(nn.functional.max_pool2d(x, 2)))
            for depth in reversed(range(len(self.up))):
                deeper = nn.functional.interpolate(self.narrower[depth](x), scale_factor=2)
                x = self.up[depth](torch.cat([skips[depth], deeper], dim=1))
            return self.head(x)

    return UNet()


def torch_scope(precision):
    """A function that opens the scope of forward passes and losses, and the device."""
    import torch

    torch.set_num_threads(machine.cores())
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_default_device(device)
    if precision == "float32":
        return contextlib.nullcontext, device
    return lambda: torch.autocast(device, dtype=torch.bfloat16), device


def in_torch(network, precision, updates):
    """The same in torch."""
    return torch_gan(precision) if network == "dcgan" else torch_supervised(network, precision, updates)


def torch_supervised(network, precision, updates):
    """A function that trains for `updates`."""
    import torch

    scope, device = torch_scope(precision)
    model = torch_model(network).to(device, memory_format=torch.channels_last)
    parameters = model.parameters()
    sgd = network == "resnet20"
    optimizer = torch.optim.SGD(parameters, 1e-3, 0.9, nesterov=True) if sgd else torch.optim.Adam(parameters, 1e-3)
    loss = torch.nn.CrossEntropyLoss()
    x = torch.tensor(images(network, BATCH * updates)).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    y = torch.tensor(labels(network, BATCH * updates))

    def go(_):
        for inputs, targets in zip(x.split(BATCH), y.split(BATCH)):
            optimizer.zero_grad()
            with scope():
                value = loss(model(inputs), targets)
            value.backward()
            optimizer.step()
        float(value)  # waits for a GPU
        return updates

    return go


def torch_gan(precision):
    """A function that trains a DCGAN for some updates, without gradients that nothing uses."""
    import torch

    scope, device = torch_scope(precision)
    generator, discriminator = (player.to(device, memory_format=torch.channels_last) for player in torch_players())
    ascent, descent = (torch.optim.Adam(player.parameters(), 2e-4, (0.5, 0.999)) for player in (discriminator, generator))
    softplus = torch.nn.functional.softplus

    def update(real):
        ascent.zero_grad()
        discriminator.requires_grad_(True)
        with scope():
            with torch.no_grad():
                fake = generator(torch.randn(BATCH, LATENT))
            loss = softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()
        loss.backward()
        ascent.step()
        descent.zero_grad()
        discriminator.requires_grad_(False)
        with scope():
            loss = softplus(-discriminator(generator(torch.randn(BATCH, LATENT)))).mean()
        loss.backward()
        descent.step()
        return loss

    def go(updates):
        x = torch.tensor(images("dcgan", BATCH * updates)).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        for batch in x.split(BATCH):
            loss = update(batch)
        float(loss.detach())
        return updates

    return go


def compare(network, kinds, backend, rounds, updates):
    """A row for each kind of contender: milliseconds of both precisions, and their ratios."""
    contenders = {
        (kind, precision): Contender("benchmarks.precision", kind, network, precision, updates, backend=backend)
        for kind in kinds
        for precision in PRECISIONS
    }
    times: dict = {name: [] for name in contenders}
    for _ in range(rounds):
        for (kind, precision), contender in contenders.items():
            times[kind, precision].append(1000 / contender.speed(updates))
    for contender in contenders.values():
        contender.end()
    rows = []
    for kind in kinds:
        slow, fast = (times[kind, precision] for precision in PRECISIONS)
        ratios = [one / other for one, other in zip(slow, fast, strict=True)]
        row = {"network": network, "contender": kind, "updates": updates}
        row |= {name: [round(value, 1) for value in times[kind, name]] for name in PRECISIONS}
        row |= {"ratios": [round(value, 2) for value in ratios], "median_ratio": round(statistics.median(ratios), 2)}
        rows.append(row)
        print(row, flush=True)
    return rows


def main():
    """Runs the comparison and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender")
    parser.add_argument("--updates", type=int, nargs=4, default=[8, 16, 8, 8], help="updates in a turn, of each network")
    parser.add_argument("--backend", default="tensorflow", choices=("tensorflow", "jax"), help="the lab's")
    parser.add_argument("--serve", nargs=4, help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.serve:
        kind, network, precision, updates = flags.serve
        return serve({"lab": lab, "torch": in_torch}[kind](network, precision, int(updates)), 2, 2)
    kinds = ["lab", *(["torch"] if importlib.util.find_spec("torch") else [])]
    settings = {"backend": flags.backend, "batch": BATCH, "rounds": flags.rounds}
    rows = []
    for network, updates in zip(NETWORKS, flags.updates, strict=True):
        rows += compare(network, kinds, flags.backend, flags.rounds, updates)
    packages = ("tensorflow", "keras", "jax", "numpy", *kinds[1:])
    keep("precision", settings | {"rows": rows} | describe(*packages))
    return None


if __name__ == "__main__":
    main()
