"""The optimizer of a recipe and its learning rate."""

import keras

from lab import optimizers
from lab.supervised.recipe import Recipe


def make_optimizer(recipe: Recipe, steps_per_epoch: int, network: keras.Model) -> keras.optimizers.Optimizer:
    """The recipe's optimizer for a network."""
    rate = step_sizes(recipe, steps_per_epoch)
    options = {"global_clipnorm": recipe.clip_norm or None, "weight_decay": recipe.weight_decay or None}
    made = {
        "sgd": lambda: optimizers.Nesterov(rate, 0.9, **options),
        "adam": lambda: optimizers.Adam(rate, global_clipnorm=options["global_clipnorm"], weight_decay=options["weight_decay"]),
        "rmsprop": lambda: optimizers.RMSprop(
            rate, global_clipnorm=options["global_clipnorm"], weight_decay=options["weight_decay"]
        ),
    }[recipe.optimizer]()
    if recipe.weight_decay:
        made.exclude_from_weight_decay(
            [each for each in network.trainable_variables if len(each.shape) < 2 or "bias" in each.name]
        )
    return made


def step_sizes(recipe: Recipe, steps_per_epoch: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """The recipe's learning rate: a number, or a schedule over updates."""
    risen = round(recipe.warm_up * steps_per_epoch)
    total = recipe.epochs * steps_per_epoch
    if recipe.schedule == "cosine":
        start = 0.0 if risen else recipe.learning_rate
        target = {"warmup_target": recipe.learning_rate, "warmup_steps": risen} if risen else {}
        return keras.optimizers.schedules.CosineDecay(start, max(total - risen, 1), **target)
    if not risen:
        return recipe.learning_rate
    return keras.optimizers.schedules.PolynomialDecay(0.0, risen, recipe.learning_rate)
