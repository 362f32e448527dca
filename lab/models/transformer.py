"""A small causal Transformer over sequences of numbers."""

import keras
import numpy as np

from lab import validation
from lab.layers import CausalSelfAttention, LearntPositions
from lab.validation import require_name

POSITIONS = ("rotary", "learnt")


def transformer(
    features: int,
    outputs: int,
    *,
    size: int = 64,
    heads: int = 4,
    layers: int = 2,
    positions: str = "rotary",
    longest: int = 512,
    dropout: float = 0.0,
    seed: int,
) -> keras.Model:
    """A causal Transformer with normalisation before each part (Xiong et al. 2020).

        numbers [B, T, features] -> [B, T, outputs], float32

        x <- x + attention(norm(x))
        x <- x + W_2 gelu(W_1 norm(x)),    W_1 to 4 x size numbers

    A linear map makes `size` numbers of each step before the layers, another the outputs after
    them and a last normalisation.

    Args:
        features: numbers of a step.
        outputs: numbers of an answer.
        size: numbers of a step within.
        heads: of each attention.
        layers: number of pairs as above.
        positions: one of `POSITIONS`. Learnt ones know no step beyond `longest`.
        longest: steps of the longest sequence, for learnt positions.
        dropout: of each part's output.
        seed: of the initial weights and of dropout.
    """
    require_name("positions", positions, POSITIONS)
    validation.integer("layers", layers)
    seeds = iter(np.random.SeedSequence(seed).generate_state(5 * layers + 3).tolist())

    def dense(units, **options):
        return keras.layers.Dense(units, kernel_initializer=keras.initializers.GlorotUniform(next(seeds)), **options)

    inputs = keras.Input((None, features), name="sequence")
    x = dense(size, name="embedding")(inputs)
    for_positions = next(seeds)
    if positions == "learnt":
        x = LearntPositions(longest, seed=for_positions, name="positions")(x)
    for i in range(1, layers + 1):
        attention = CausalSelfAttention(heads, positions == "rotary", seed=next(seeds), name=f"attention{i}")
        y = attention(keras.layers.LayerNormalization(epsilon=1e-5, name=f"attention_norm{i}")(x))
        x = keras.layers.Add(name=f"attended{i}")([x, _dropped(y, dropout, next(seeds))])
        y = dense(4 * size, activation="gelu", name=f"hidden{i}")(
            keras.layers.LayerNormalization(epsilon=1e-5, name=f"norm{i}")(x)
        )
        x = keras.layers.Add(name=f"added{i}")([x, _dropped(dense(size, name=f"back{i}")(y), dropout, next(seeds))])
    x = keras.layers.LayerNormalization(epsilon=1e-5, name="norm")(x)
    return keras.Model(inputs, dense(outputs, dtype="float32", name="outputs")(x), name="transformer")


def _dropped(x, dropout, seed):
    return keras.layers.Dropout(dropout, seed=seed)(x) if dropout else x
