"""Networks, composed of layers only."""

from lab.models.mlp import mlp as mlp
