"""What the components cost, compared with Keras's own.

python -m benchmarks.components [--backend tensorflow] [--only Adam]

Layers, losses and activations are timed forward, and forward with the gradient, in one compiled
program of 20 calls in a scan. Optimizers make 100 steps in a scan, on the variables of a small
network (64-64, 4,866 weights), of DQN's (256-256, 67,842) and of a large one (1.6 million).

Each pair has a process of its own. Both sides are warmed up and then take turns for `--rounds`
rounds. A time is the best of some calls. The ratio, ours over Keras's, is the median of the rounds'
ratios.
"""

import argparse
import itertools
import os
import subprocess
import sys
import time

import numpy as np

from benchmarks.machine import describe, keep

NETWORKS = {"small": (4, 64, 64, 2), "dqn": (4, 256, 256, 2), "large": (784, 1024, 768, 10)}


def optimizer_pairs():
    """{name: (ours, Keras's)}, each a function () -> optimizer."""
    import keras

    from lab import optimizers

    k = keras.optimizers
    return {
        "SGD": (lambda: optimizers.SGD(1e-3), lambda: k.SGD(1e-3)),
        "Momentum": (lambda: optimizers.Momentum(1e-3), lambda: k.SGD(1e-3, momentum=0.9)),
        "Nesterov": (lambda: optimizers.Nesterov(1e-3), lambda: k.SGD(1e-3, momentum=0.9, nesterov=True)),
        "Adagrad": (lambda: optimizers.Adagrad(1e-3), lambda: k.Adagrad(1e-3)),
        "RMSprop": (lambda: optimizers.RMSprop(1e-3), lambda: k.RMSprop(1e-3)),
        "Adam": (lambda: optimizers.Adam(1e-3), lambda: k.Adam(1e-3)),
        "AMSGrad": (lambda: optimizers.Adam(1e-3, amsgrad=True), lambda: k.Adam(1e-3, amsgrad=True)),
    }


def function_pairs():
    """{name: (ours, Keras's, input)}, functions that are differentiated in their input."""
    import keras
    from keras import ops

    from lab import activations, distributions, losses

    rng = np.random.default_rng(0)
    x = rng.normal(size=(256, 512)).astype("float32")
    y, p = rng.normal(size=x.shape).astype("float32"), rng.dirichlet(np.ones(512), 256).astype("float32")
    labels, ones = rng.integers(0, 512, 256), (y > 0).astype("float32")
    k, loss = keras.activations, keras.losses
    same = ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "softplus", "gelu", "softmax", "log_softmax"]
    pairs = {name: (getattr(activations, name), getattr(k, name)) for name in same}
    pairs |= {
        "prelu": (lambda x: activations.prelu(x, 0.2), lambda x: k.leaky_relu(x, 0.2)),
        "gelu": (activations.gelu, lambda x: k.gelu(x, approximate=False)),
        "mean_squared_error": (lambda x: losses.MeanSquaredError()(y, x), lambda x: loss.MeanSquaredError()(y, x)),
        "mean_absolute_error": (lambda x: losses.MeanAbsoluteError()(y, x), lambda x: loss.MeanAbsoluteError()(y, x)),
        "huber": (lambda x: losses.Huber()(y, x), lambda x: loss.Huber()(y, x)),
        "binary_crossentropy": (
            lambda x: losses.BinaryCrossentropy()(ones, x), lambda x: loss.BinaryCrossentropy(from_logits=True)(ones, x)),
        "binary focal": (
            lambda x: losses.BinaryCrossentropy(gamma=2.0)(ones, x),
            lambda x: loss.BinaryFocalCrossentropy(from_logits=True)(ones, x)),
        "categorical_crossentropy": (
            lambda x: losses.CategoricalCrossentropy()(p, x), lambda x: loss.CategoricalCrossentropy(from_logits=True)(p, x)),
        "sparse categorical": (
            lambda x: losses.CategoricalCrossentropy()(labels, x),
            lambda x: loss.SparseCategoricalCrossentropy(from_logits=True)(labels, x)),
        "categorical focal": (
            lambda x: losses.CategoricalCrossentropy(gamma=2.0)(p, x),
            lambda x: loss.CategoricalFocalCrossentropy(alpha=1.0, from_logits=True)(p, x)),
        "kl_divergence": (
            lambda x: losses.KLDivergence()(p, ops.softmax(x)), lambda x: loss.KLDivergence()(p, ops.softmax(x))),
        "Categorical.log_prob": (
            lambda x: distributions.Categorical(x).log_prob(labels),
            lambda x: -ops.sparse_categorical_crossentropy(labels, x, from_logits=True)),
    }  # fmt: skip
    return {name: (*pair, x) for name, pair in pairs.items()}


def layer_pairs():
    """{name: (ours, Keras's, input)}, built layers whose weights have the same shapes."""
    import keras

    from lab import layers

    class Pad(keras.layers.Layer):
        def __init__(self, axes):
            super().__init__()
            self.axes = axes

        def call(self, inputs):
            return keras.ops.pad(inputs, [(0, 0), *[(2, 2)] * self.axes, (0, 0)], mode="reflect")

    k = keras.layers
    rng = np.random.default_rng(0)
    picture, line, vector = (rng.normal(size=shape).astype("float32") for shape in ((16, 32, 32, 16), (16, 256, 16), (64, 128)))
    volume, sequence = rng.normal(size=(4, 12, 12, 12, 8)).astype("float32"), rng.normal(size=(32, 20, 32)).astype("float32")
    pairs = {
        "Convolution1D": (layers.Convolution1D(16, 5), k.Conv1D(16, 5), line),
        "Convolution2D": (layers.Convolution2D(16, 3), k.Conv2D(16, 3), picture),
        "Convolution3D": (layers.Convolution3D(8, 3), k.Conv3D(8, 3), volume),
        "MirrorPadding1D against ops.pad": (layers.MirrorPadding1D(2), Pad(1), line),
        "MirrorPadding2D against ops.pad": (layers.MirrorPadding2D(2), Pad(2), picture),
        "MirrorPadding3D against ops.pad": (layers.MirrorPadding3D(2), Pad(3), volume),
        "EqualizedDense against Dense": (layers.EqualizedDense(128), k.Dense(128), vector),
        "EqualizedConv2D against Conv2D": (layers.EqualizedConv2D(16, 3), k.Conv2D(16, 3), picture),
        "SpectralNormalization Dense": (
            layers.SpectralNormalization(k.Dense(128)), k.SpectralNormalization(k.Dense(128)), vector),
        "SpectralNormalization Conv2D": (
            layers.SpectralNormalization(k.Conv2D(32, 3)), k.SpectralNormalization(k.Conv2D(32, 3)), picture),
        "PixelNormalization against UnitNormalization": (layers.PixelNormalization(), k.UnitNormalization(), picture),
        "InstanceNormalization against GroupNormalization": (layers.InstanceNormalization(), k.GroupNormalization(-1), picture),
        "PeepholeLSTMCell against LSTMCell": (
            k.RNN(layers.PeepholeLSTMCell(64), unroll=True), k.RNN(k.LSTMCell(64), unroll=True), sequence),
    }  # fmt: skip
    for ours, theirs, x in pairs.values():
        ours.build(x.shape)
        theirs.build(x.shape)
    return pairs


def optimizer_program(make, widths, steps=100, xla=None):
    """(a compiled program of optimizer steps, their number); the gradient costs almost nothing."""
    import keras
    from keras import ops

    from lab import engine

    variables = [
        keras.Variable(np.random.default_rng(0).normal(size=shape).astype("float32"))
        for pair in itertools.pairwise(widths)
        for shape in (pair, pair[1:])
    ]
    optimizer = make()
    optimizer.build(variables)
    state = [*variables, *optimizer.variables]

    def step(_):
        optimizer.apply([variable * 0.5 for variable in variables], variables)

    def program():
        engine.scan(step, state, length=steps)
        return ops.sum(variables[-1])

    return engine.compile(program, state, xla=xla), steps


def function_program(function, x, variables, differentiate, calls=20):
    """(a compiled program of calls, their number); each call changes the next one's x a little."""
    import keras
    from keras import ops

    from lab import engine

    held = keras.Variable(x)
    gradient = engine.value_and_grad(lambda x: (ops.sum(function(x)), ()))
    state = [held, *variables]

    def step(_):
        if differentiate:
            (value, _), slope = gradient(ops.copy(held))
            held.assign(held - 1e-9 * slope)
        else:
            value = ops.sum(function(ops.copy(held)))
            held.assign(held + 1e-9 * value)
        return value

    return engine.compile(lambda: engine.scan(step, state, length=calls), state), calls


def programs(kind, name):
    """{case: (ours, Keras's)}, each a compiled program and its number of steps."""
    if kind == "optimizer":
        pair = optimizer_pairs()[name]
        return {size: [optimizer_program(make, widths) for make in pair] for size, widths in NETWORKS.items()}
    pairs = layer_pairs() if kind == "layer" else function_pairs()
    *pair, x = pairs[name]
    cases = {"forward": False, "forward and gradient": True}

    def called(function):
        training = kind == "layer" and "training" in function.call.__code__.co_varnames
        return (lambda x: function(x, training=True)) if training else function

    return {
        case: [function_program(called(one), x, getattr(one, "variables", []), differentiate) for one in pair]
        for case, differentiate in cases.items()
    }


def seconds(program):
    """Wall time of one call, until its result is there."""
    from keras import ops

    start = time.perf_counter()
    ops.convert_to_numpy(program())
    return time.perf_counter() - start


def measure(kind, name, rounds):
    """Prints a pair's {case: {"ours", "keras": microseconds per step, "ratio"}} as JSON."""
    import json

    result = {}
    for case, ((ours, steps), (theirs, _)) in programs(kind, name).items():
        times = {"ours": [], "keras": []}
        seconds(ours), seconds(theirs)
        repeats = max(1, int(0.05 / max(seconds(theirs), 1e-5)))
        for turn in range(rounds):
            order = (("ours", ours), ("keras", theirs)) if turn % 2 else (("keras", theirs), ("ours", ours))
            for who, program in order:
                times[who].append(min(seconds(program) for _ in range(repeats)) / steps * 1e6)
        ratio = float(np.median(np.array(times["ours"]) / np.array(times["keras"])))
        result[case] = {who: round(float(np.median(values)), 2) for who, values in times.items()} | {"ratio": round(ratio, 3)}
    print(json.dumps(result))


def main():
    """Measures every pair in a process of its own and keeps the results."""
    import json

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", default="tensorflow", choices=("tensorflow", "jax"), help="Keras backend")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each pair")
    parser.add_argument("--only", help="one pair, by name")
    parser.add_argument("--pair", nargs=2, help=argparse.SUPPRESS)
    flags = parser.parse_args()
    os.environ["KERAS_BACKEND"] = flags.backend
    if flags.pair:
        return measure(*flags.pair, flags.rounds)
    names = {"optimizer": optimizer_pairs(), "function": function_pairs(), "layer": layer_pairs()}
    results = {}
    for kind, pairs in names.items():
        for name in pairs:
            if flags.only in (None, name):
                command = [
                    sys.executable,
                    "-m",
                    "benchmarks.components",
                    "--backend",
                    flags.backend,
                    "--rounds",
                    str(flags.rounds),
                ]
                done = subprocess.run([*command, "--pair", kind, name], capture_output=True, text=True)
                if done.returncode:
                    print(name, "failed:", done.stderr.strip().splitlines()[-1:])
                    continue
                results[name] = json.loads(done.stdout.splitlines()[-1])
                print(
                    f"{name:45}",
                    *(f"{case}: {r['ratio']:.2f} ({r['ours']:.1f} us)" for case, r in results[name].items()),
                    flush=True,
                )
    if flags.only is None:
        keep(f"components_{flags.backend}", {"microseconds, ratio": results} | describe(flags.backend, "keras"))
    return None


if __name__ == "__main__":
    main()
