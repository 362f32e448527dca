"""
A GAN on a folder of pictures
=============================

You have a folder of pictures, and want a generator of more of them.
"""

# %%
# The folder
# ----------
#
# This tutorial makes a small folder: discs and squares of random size and place. Yours may have
# pictures of any size and type, in subfolders or not.

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

random = np.random.default_rng(0)
folder = Path("shapes")
for kind in ("disc", "square"):
    (folder / kind).mkdir(parents=True, exist_ok=True)
    for number in range(300):
        image = Image.new("L", (56, 56))
        radius = random.integers(8, 16)
        x, y = random.integers(radius, 56 - radius, 2)
        draw = ImageDraw.Draw(image)
        shape = draw.ellipse if kind == "disc" else draw.rectangle
        shape([x - radius, y - radius, x + radius, y + radius], fill=255)
        image.save(folder / kind / f"{number:03d}.png")

# %%
# ``folder_of_images`` reads it. Subfolders are the classes.

from lab.data import folder_of_images

images, labels, names, skipped = folder_of_images(folder, 28, channels=1)
print(images.shape, images.dtype, names, len(skipped))

# %%
# The GAN
# -------
#
# A GAN is two Keras models and an objective.

from lab.gan import GAN, r1
from lab.losses import adversarial
from lab.models import dcgan_discriminator, dcgan_generator
from lab.optimizers import Adam

gan = GAN(
    dcgan_generator(28, 1, latent=16, filters=16, seed=0),
    dcgan_discriminator(28, 1, filters=16, seed=1),
    adversarial.non_saturating,
    penalties=(r1(1.0),),
    generator_optimizer=Adam(1e-3, 0.5, 0.99),
    discriminator_optimizer=Adam(1e-3, 0.5, 0.99),
    seed=2,
)
history = gan.fit(images, batch_size=50, epochs=40, verbose=0)
for name in ("discriminator_loss", "generator_loss", "real_logit", "fake_logit"):
    print(
        f"{name:20}",
        " ".join(f"{value:6.2f}" for value in history.history[name][::8]),
    )

# %%
# Real and generated pictures
# ---------------------------
#
# ``generate`` uses the moving average of the generator. Its pictures are floats from -1 to 1.

import matplotlib.pyplot as plt

fake = gan.generate(20, seed=0)
figure, axes = plt.subplots(4, 10, figsize=(9, 3.9), layout="constrained")
shown = [*(images[::30] / 127.5 - 1), *fake]
for axis, picture in zip(axes.flat, shown):
    axis.imshow(picture[..., 0], cmap="gray", vmin=-1, vmax=1)
    axis.axis("off")
figure.suptitle("two rows from the folder, two rows from the generator")
plt.show()

# %%
# This training is short. Longer ones are experiments, which take a folder as well, for example
# ``python -m experiments.r3gan_glyphs --help``.
#
# Keep it
# -------
#
# ``average`` is the generator as a Keras model.

gan.average.save("generator.keras")

import keras

again = keras.models.load_model("generator.keras")
print(again(np.zeros((1, 16), np.float32)).shape)
