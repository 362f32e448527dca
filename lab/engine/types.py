"""Names for the types of arguments. Shapes stand in the docstrings."""

from typing import Any, TypeAlias

Tensor: TypeAlias = Any
"""A tensor of Keras's backend, or what it converts: a NumPy array, a number, a Keras variable."""
