"""What translations, styles and textures reach with their default settings; see scores.py."""

from benchmarks.tables import of_experiments

SERIF = "--target DejaVuSerif-BoldItalic"
FONTS = {"error": 4, "error_source": 4, "error_ratio": 3, "similarity": 3, "digit_kept": 4, "error_nearest": 4}
SCENES = {"error": 4, "error_ratio": 3, "similarity": 3, "error_mean": 4, "error_grey": 4}
EXPERIMENTS = {  # {experiment: ({variant: flags}, {result: digits})}
    "pix2pix_fonts": ({"": "", "unet": "--generator unet", "serif": SERIF}, FONTS),
    "cyclegan_fonts": ({"": "", "serif": SERIF}, FONTS | {"error_back": 4, "digit_kept_back": 4}),
    "pix2pix_scenes": ({"": "", "colour": "--task colour"}, SCENES),
    "texture_synthesis": (
        {"": ""},
        {"found": 3, "distance": 3, "distance_part": 3, "distance_ratio": 2, "distance_ratio_worst": 2, "spectrum": 2},
    ),
    "style_transfer": (
        {"": "", "vgg": "--features vgg", "colours": "--colours"},
        {"style_loss": 4, "content_loss": 3, "style_loss_new": 3, "style_loss_new_content": 3},
    ),
    "fast_style": (
        {"": "", "cells": "--style cells", "coffee": "--style coffee"},
        {"style_loss": 3, "content_loss": 3, "loss": 2, "loss_lbfgs": 2, "loss_ratio": 2, "milliseconds": 0},
    ),
    "adain_style": (
        {"": ""},
        {"style_loss": 3, "style_loss_copy": 3, "content_loss": 3, "reconstruction": 3, "milliseconds": 0},
    ),
}

TABLES = of_experiments(EXPERIMENTS)
