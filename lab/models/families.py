"""Every convolutional family by name."""

from collections.abc import Callable, Sequence
from functools import partial

import keras

from lab import validation
from lab.models.densenet import LAYERS as DENSENETS
from lab.models.densenet import densenet
from lab.models.inception import googlenet, inception_v3
from lab.models.lenet import lenet
from lab.models.mobilenet import mobilenet, mobilenet_v2
from lab.models.resnet import LAYERS as RESNETS
from lab.models.resnet import PREFIXES, resnet, small_resnet
from lab.models.vgg import LAYERS as VGGS
from lab.models.vgg import vgg
from lab.models.xception import xception
from lab.validation import require_name

# name: function (shape, classes, *, width, seed) -> a model from images to logits
FAMILIES: dict[str, Callable[..., keras.Model]] = {
    "lenet5": lenet,
    **{f"vgg{depth}": partial(vgg, depth=depth, normalize=True) for depth in VGGS},
    "googlenet": partial(googlenet, normalize=True),
    "inception_v3": inception_v3,
    **{
        f"{prefix}{depth}": partial(build, depth=depth, form=form)
        for form, prefix in PREFIXES.items()
        for build, depths in ((small_resnet, (20, 32, 44, 56, 110)), (resnet, RESNETS))
        for depth in depths
    },
    "densenet_bc40": partial(densenet, depth=40, stem="small"),
    "densenet_bc100": partial(densenet, depth=100, stem="small"),
    **{f"densenet{depth}": partial(densenet, depth=depth) for depth in DENSENETS},
    "xception": xception,
    "mobilenet": mobilenet,
    "mobilenet_v2": mobilenet_v2,
}


def classifier(name: str, shape: Sequence[int], classes: int, *, width: float = 1.0, seed: int) -> keras.Model:
    """Images `[B, *shape]` -> logits `[B, classes]` by a family of `FAMILIES`.

    VGG and GoogLeNet have batch normalisation.

    Args:
        name: such as "resnet20" (for small images), "resnet50", "vgg16", "mobilenet_v2".
        shape: (height, width, channels).
        classes: number of classes, >= 2.
        width: factor of the number of channels.
        seed: of the initial weights.
    """
    require_name("model", name, FAMILIES)
    return FAMILIES[name](tuple(shape), validation.integer("classes", classes, 2), width=width, seed=seed)
