"""The small convolutional classifier in whose features generated characters are measured."""

import hashlib
from os import PathLike
from pathlib import Path

import keras
import numpy as np

from lab.data.conventions import require_channels_last

# Trained by experiments/classifier_glyphs.py, kept in half precision.
WEIGHTS = Path(__file__).with_name("glyph_classifier.safetensors")


def glyph_classifier(classes: int = 10, *, size: int = 28, channels: int = 1, features: int = 64, seed: int = 0) -> keras.Model:
    """Images `[B, size, size, channels]` -> [logits `[B, classes]`, features `[B, features]`].

    Three 3 x 3 convolutions of stride 2 with 32, 64 and 64 channels, batch normalisation and
    ReLU, then a dense layer of ReLU features. Images are in -1..1.
    """
    seeds = np.random.SeedSequence(seed).generate_state(5).tolist()
    require_channels_last()
    x = images = keras.Input((size, size, channels), name="image")
    for width, number in zip((32, 64, 64), seeds):
        x = keras.layers.Conv2D(width, 3, 2, "same", use_bias=False, kernel_initializer=keras.initializers.HeNormal(number))(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.95)(x))
    dense = keras.layers.Dense(features, "relu", kernel_initializer=keras.initializers.HeNormal(seeds[3]), name="features")
    x = dense(keras.layers.Flatten()(x))
    logits = keras.layers.Dense(classes, kernel_initializer=keras.initializers.GlorotNormal(seeds[4]), name="logits")(x)
    return keras.Model(images, [logits, x], name="glyph_classifier")


def trained_glyph_classifier(path: str | PathLike = WEIGHTS) -> tuple[keras.Model, str]:
    """(the classifier of digits of 28 x 28 pixels with its kept weights, a digest of the file).

    The digest is the first 12 hexadecimal digits of SHA-256.
    """
    from safetensors.numpy import load

    content = Path(path).read_bytes()
    kept = load(content)
    model = glyph_classifier(classes=kept["classes"].size)
    model.set_weights([kept[f"{position:02d}"].astype("float32") for position in range(len(model.weights))])
    return model, hashlib.sha256(content).hexdigest()[:12]


def save_glyph_classifier(model: keras.Model, path: str | PathLike) -> str:
    """Rounds the weights to half precision, in the model too, and writes them.

    Returns:
        the first 12 hexadecimal digits of the file's SHA-256.
    """
    from safetensors.numpy import save

    weights = [weight.astype("float16") for weight in model.get_weights()]
    model.set_weights([weight.astype("float32") for weight in weights])
    tensors = {f"{position:02d}": weight for position, weight in enumerate(weights)}
    content = save(tensors | {"classes": np.arange(model.outputs[0].shape[-1], dtype="uint8")})
    Path(path).write_bytes(content)
    return hashlib.sha256(content).hexdigest()[:12]
