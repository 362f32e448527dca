"""The small convolutional classifier whose features generated characters are measured in."""

import hashlib
from pathlib import Path

import keras
import numpy as np

from lab.data.conventions import require_channels_last

WEIGHTS = Path(__file__).with_name(
    "glyph_classifier.safetensors"
)  # trained by experiments/classifier_glyphs.py, half precision


def glyph_classifier(classes=10, *, size=28, channels=1, features=64, seed=0):
    """Images `[B, size, size, channels]` in -1..1 -> [logits `[B, classes]`, features `[B, features]`].

    Three convolutions of 3 x 3 and stride 2 with 32, 64 and 64 channels, batch-normalised and ReLU, and a dense layer of ReLU features.
    """
    seeds = np.random.SeedSequence(seed).generate_state(5).tolist()
    require_channels_last()
    x = images = keras.Input((size, size, channels), name="image")
    for width, number in zip((32, 64, 64), seeds):
        x = keras.layers.Conv2D(width, 3, 2, "same", use_bias=False, kernel_initializer=keras.initializers.HeNormal(number))(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.95)(x))
    x = keras.layers.Dense(features, "relu", kernel_initializer=keras.initializers.HeNormal(seeds[3]), name="features")(
        keras.layers.Flatten()(x)
    )
    logits = keras.layers.Dense(classes, kernel_initializer=keras.initializers.GlorotNormal(seeds[4]), name="logits")(x)
    return keras.Model(images, [logits, x], name="glyph_classifier")


def trained_glyph_classifier(path=WEIGHTS):
    """(the classifier of digit glyphs of 28 x 28 pixels with its kept weights, the first 12 digits of the file's SHA-256)."""
    from safetensors.numpy import load

    content = Path(path).read_bytes()
    kept = load(content)
    model = glyph_classifier(classes=kept["classes"].size)
    model.set_weights([kept[f"{position:02d}"].astype("float32") for position in range(len(model.weights))])
    return model, hashlib.sha256(content).hexdigest()[:12]


def save_glyph_classifier(model, path):
    """Rounds the weights to half precision, in the model too, and writes them. Returns the first 12 digits of the file's SHA-256."""
    from safetensors.numpy import save

    weights = [weight.astype("float16") for weight in model.get_weights()]
    model.set_weights([weight.astype("float32") for weight in weights])
    tensors = {f"{position:02d}": weight for position, weight in enumerate(weights)}
    content = save(tensors | {"classes": np.arange(model.outputs[0].shape[-1], dtype="uint8")})
    Path(path).write_bytes(content)
    return hashlib.sha256(content).hexdigest()[:12]
