"""The part of the engine that components need on torch: gradients.

Only TensorFlow and JAX compile programs.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import optree
import torch

from lab.engine.scope import ProgramScope, name_of
from lab.engine.types import Tensor


def value_and_grad(loss: Callable[..., Any], variables: Sequence[keras.Variable] | None = None) -> Callable[..., Any]:
    """See `lab.engine`."""
    name = name_of("loss", loss)

    def differentiate(*args):
        with ProgramScope(name), torch.enable_grad():
            targets: Any
            if variables is None:
                targets = optree.tree_map(lambda x: x if x.requires_grad else x.detach().requires_grad_(), args[0])
                args = (targets, *args[1:])
            else:
                targets = [variable.value for variable in variables]
            value, extras = loss(*args)
            leaves = optree.tree_leaves(targets)
            found = torch.autograd.grad(value, leaves, create_graph=True, allow_unused=True)
            gradients = [torch.zeros_like(leaf) if each is None else each for leaf, each in zip(leaves, found, strict=True)]
        return (value, extras), optree.tree_unflatten(optree.tree_structure(targets), gradients)

    return differentiate


def host_call(function: Callable[..., Any], like: Sequence[tuple[Sequence[int | None], str]], *args: Tensor) -> list[Tensor]:
    """See `lab.engine`."""
    found = function(*(torch.as_tensor(each).detach().cpu().numpy() for each in args))
    return [torch.as_tensor(np.asarray(each, dtype)) for each, (_, dtype) in zip(found, like, strict=True)]


def read(variable: keras.Variable) -> np.ndarray:
    """See `lab.engine`."""
    return np.array(variable.value.detach().cpu())


def _unsupported(*args, **kwargs):
    raise NotImplementedError("lab.engine: expected the TensorFlow or the JAX backend to compile programs, received torch.")


compile = cond = scan = together = write = _unsupported
