"""What is written around the pictures of image GANs."""

from collections.abc import Iterable
from typing import Any

CURVES = {  # {metric: label and title of its curve}
    "frechet_distance": {
        "label": "Fréchet distance of the features (lower is better)",
        "title": "How far generated images are from unseen real ones",
    },
    "discriminator_loss": {"label": "discriminator's loss, nats", "title": "Loss of the discriminator in training"},
}


def class_words(config: Any, labels: Iterable[int]) -> dict[str, Any]:
    """The words of a grid whose columns have these classes."""
    names = config.characters if config.data == "glyphs" else None
    columns = [names[label] if names else str(label) for label in labels]
    return {"title": "generated images, a class in each column", "column_labels": columns}


def nearest_words(distances: Iterable[float]) -> dict[str, Any]:
    """The words of a sheet of generated images above their nearest training images."""
    return {
        "title": "Distance of each generated image to the training image below it (1: usual for unseen real images)",
        "row_labels": ("generated", "nearest in training"),
        "column_labels": [f"{distance:.2f}" for distance in distances],
    }
