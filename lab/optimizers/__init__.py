"""Keras optimizers whose update rules are the papers'."""

from lab.optimizers.adagrad import Adagrad
from lab.optimizers.adam import Adam
from lab.optimizers.extra_gradient import ExtraGradient
from lab.optimizers.gradient_descent import GradientDescent
from lab.optimizers.lookahead import Lookahead
from lab.optimizers.momentum import Momentum
from lab.optimizers.nesterov import Nesterov
from lab.optimizers.optimistic_adam import OptimisticAdam
from lab.optimizers.radam import RAdam
from lab.optimizers.rmsprop import RMSprop
from lab.optimizers.rule import RuleOptimizer
from lab.optimizers.sam import SAM
from lab.optimizers.schedules import FlatThenLinear
from lab.optimizers.sgd import SGD

__all__ = [
    "SAM",
    "SGD",
    "Adagrad",
    "Adam",
    "ExtraGradient",
    "FlatThenLinear",
    "GradientDescent",
    "Lookahead",
    "Momentum",
    "Nesterov",
    "OptimisticAdam",
    "RAdam",
    "RMSprop",
    "RuleOptimizer",
]
