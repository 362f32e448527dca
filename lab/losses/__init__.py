"""Losses: pure functions, and `keras.losses.Loss` classes for `compile`.

`lab.losses.adversarial` and `.penalties` have the functions of GANs, `.reinforcement` those of
agents.
"""

from lab.losses import adversarial, penalties, reinforcement
from lab.losses.binary_crossentropy import BinaryCrossentropy, binary_crossentropy
from lab.losses.boundary import Boundary, boundary, distance_maps, signed_distance
from lab.losses.categorical_crossentropy import CategoricalCrossentropy, categorical_crossentropy
from lab.losses.focal import penalty_reduced_focal, sigmoid_focal
from lab.losses.huber import Huber, half_squared_error, huber, huber_error
from lab.losses.kl_divergence import KLDivergence, kl_divergence
from lab.losses.masked import (
    masked_binary_crossentropy,
    masked_categorical_crossentropy,
    right_answers,
    wrong_bits,
)
from lab.losses.mean_absolute_error import MeanAbsoluteError, Quantile, mean_absolute_error, quantile_error
from lab.losses.mean_squared_error import MeanSquaredError, mean_squared_error
from lab.losses.pixels import PixelCrossentropy, pixel_crossentropy
from lab.losses.smooth_l1 import SmoothL1, smooth_l1
from lab.losses.tversky import Dice, Tversky, dice, tversky

__all__ = [
    "BinaryCrossentropy",
    "Boundary",
    "CategoricalCrossentropy",
    "Dice",
    "Huber",
    "KLDivergence",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "PixelCrossentropy",
    "Quantile",
    "SmoothL1",
    "Tversky",
    "adversarial",
    "binary_crossentropy",
    "boundary",
    "categorical_crossentropy",
    "dice",
    "distance_maps",
    "half_squared_error",
    "huber",
    "huber_error",
    "kl_divergence",
    "masked_binary_crossentropy",
    "masked_categorical_crossentropy",
    "mean_absolute_error",
    "mean_squared_error",
    "penalties",
    "penalty_reduced_focal",
    "pixel_crossentropy",
    "quantile_error",
    "reinforcement",
    "right_answers",
    "sigmoid_focal",
    "signed_distance",
    "smooth_l1",
    "tversky",
    "wrong_bits",
]
