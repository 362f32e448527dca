"""`keras.Model.fit` by a recipe, exact at the boundaries of epochs."""

import dataclasses
import functools
import warnings
from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import ops

from lab import engine, validation
from lab.engine import private
from lab.engine.types import Tensor
from lab.errors import require_finite_metrics, require_finite_variables
from lab.layers.memory_cell import MemoryCell
from lab.models.logits import check_logits
from lab.models.precision import set_precision
from lab.supervised.early_stopping import EarlyStopping
from lab.supervised.examples import Draw, Examples, mixing
from lab.supervised.inputs import as_taken, check_examples, check_inputs, takes_symbols
from lab.supervised.model import TrainingModel
from lab.supervised.optimization import make_optimizer
from lab.supervised.recipe import Recipe

EVALUATION_BATCH = 256
# Updates in one call of Keras's function on TensorFlow. The bits are the same, and Python's
# callbacks cost an eighth.
UPDATES_AT_ONCE = 8


class Training:
    """A network, the way it is trained, and every variable of both.

    Args:
        network: a built Keras model, inputs -> logits `[..., classes]`, or numbers without classes.
        recipe: a `Recipe`. Its precision is set in place, see `lab.models.set_precision`.
        steps_per_epoch: updates in an epoch: the examples over the batch size, rounded down.
        classes: targets are labels from 0 to classes - 1. None is regression.
        loss, metrics: functions of targets and outputs, as of `keras.Model.compile`. By default
            cross-entropy and accuracy, or the mean squared error. Where the recipe mixes examples,
            the targets are shares of the classes, `[..., classes]`.
        optimizer: a Keras optimizer in place of the recipe's. `lab.supervised.optimization` has the
            recipe's learning rate as `step_sizes`.
        jit: whether XLA compiles the update. None: always on JAX; on TensorFlow unless the network
            has convolutions or recurrent layers, which XLA slows down on a CPU.
        seed: of the order of examples, of mixing and of augmentation.
        steps: the old name of `steps_per_epoch`.
    """

    def __init__(
        self,
        network: keras.Model,
        recipe: Recipe,
        *,
        steps_per_epoch: int | None = None,
        classes: int | None = None,
        loss: keras.losses.Loss | Callable[[Tensor, Tensor], Tensor] | None = None,
        metrics: list | None = None,
        optimizer: keras.optimizers.Optimizer | None = None,
        jit: bool | None = None,
        seed: int,
        steps: int | None = None,
    ) -> None:
        engine.prepare()
        if steps is not None:
            _warn_of_steps()
            steps_per_epoch = steps
        self.network = network
        precision = set_precision(network, recipe.precision)
        self.recipe = recipe = dataclasses.replace(recipe, precision=precision) if recipe.precision == "auto" else recipe
        self.classes = classes
        self.seed = seed
        self.steps_per_epoch = validation.integer("steps_per_epoch", steps_per_epoch)
        self.mix = mixing(recipe)
        self.soft = bool(self.mix or recipe.label_smoothing)  # targets are shares of the classes
        self.own_loss = loss is not None
        self._check_settings()
        engine.require_batch("batch_size", recipe.batch_size)
        self.model = TrainingModel(network, self._augmentation(), recipe.ema)
        self.optimizer = optimizer or make_optimizer(recipe, self.steps_per_epoch, network)
        at_once = UPDATES_AT_ONCE if keras.backend.backend() == "tensorflow" else 1  # elsewhere Keras unrolls them
        usual_loss, usual_metrics = self._usual_loss()
        self.loss = loss or usual_loss
        self.model.compile(
            self.optimizer,
            self.loss,
            metrics=usual_metrics if metrics is None else metrics,
            jit_compile=_xla_is_faster(network) if jit is None else jit,
            steps_per_execution=at_once,
        )
        self.optimizer.build(self.model.trainable_variables)
        evaluated = self.model.average.variables
        self.stopping = EarlyStopping(network.variables, recipe.patience, evaluated) if recipe.patience else None

    def _check_settings(self):
        """Network, classes, loss and recipe must fit together."""
        recipe, outputs = self.recipe, self.network.outputs[0]
        if self.classes is None and self.soft:
            raise ValueError("mixup, cutmix, label_smoothing: expected 0 without classes, received more.")
        if self.classes is not None and outputs.shape[-1] != self.classes:
            raise ValueError(f"classes: expected {outputs.shape[-1]}, the network's logits, received {self.classes}.")
        if self.classes is not None and not self.own_loss:
            check_logits("network", outputs)
        if self.own_loss and recipe.label_smoothing:
            raise ValueError(f"label_smoothing: expected 0 with a loss of one's own, received {recipe.label_smoothing}.")
        if self.mix and takes_symbols(self.network):
            raise ValueError("mixup, cutmix: expected 0 for a network of symbols, received more.")

    def _usual_loss(self):
        """The loss and the metrics of classification, or of regression."""
        if self.classes is None:
            return keras.losses.MeanSquaredError(), []
        if self.soft:
            soft_loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=self.recipe.label_smoothing)
            return soft_loss, [keras.metrics.CategoricalAccuracy("accuracy")]
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        return loss, [keras.metrics.SparseCategoricalAccuracy("accuracy")]

    def _augmentation(self):
        """The layers that change inputs in training only."""
        recipe, shape = self.recipe, self.network.inputs[0].shape[1:]
        wanted = recipe.shift or recipe.flip or recipe.rotation or recipe.cutmix
        if wanted and len(shape) != 3:
            raise ValueError(f"shift, flip, rotation, cutmix: expected images [H, W, C], received inputs of shape {shape}.")
        if recipe.shift and recipe.shift >= min(shape[:2]):
            raise ValueError(f"shift: expected less than the image's {min(shape[:2])} pixels, received {recipe.shift}.")
        seeds = np.random.SeedSequence([2, self.seed]).generate_state(3).tolist()
        layers: list[keras.layers.Layer] = []
        if recipe.rotation:
            share = recipe.rotation / 360
            layers.append(keras.layers.RandomRotation(share, "constant", seed=seeds[0], fill_value=-1.0))
        if recipe.shift:
            height, width = (recipe.shift / side for side in shape[:2])
            layers.append(keras.layers.RandomTranslation(height, width, "constant", "nearest", seed=seeds[1], fill_value=-1.0))
        if recipe.flip:
            layers.append(keras.layers.RandomFlip("horizontal", seed=seeds[2]))
        return layers

    @property
    def steps(self) -> int:
        """The old name of `steps_per_epoch`."""
        _warn_of_steps()
        return self.steps_per_epoch

    @property
    def state(self) -> list[keras.Variable]:
        """Every variable that training reads or assigns.

        A checkpoint of these at the end of an epoch is exact.
        """
        return [*self.model.variables, *self.optimizer.variables, *(self.stopping.state if self.stopping else ())]

    def fit(
        self,
        x: np.typing.ArrayLike | Draw,
        y: np.typing.ArrayLike | None = None,
        *,
        validation: tuple[np.typing.ArrayLike, np.typing.ArrayLike] | None = None,
        validation_batch_size: int | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        initial_epoch: int = 0,
        verbose: int | str = 0,
    ) -> keras.callbacks.History | None:
        """Trains until the recipe ends or early stopping ends it.

        Args:
            x, y: arrays with all examples; see `check`. Data sets that give batches are refused.
                Or x alone, a function epoch -> (x, y): each epoch then has examples of its own.
            validation: (x, y), evaluated after each epoch.
            validation_batch_size: examples that are evaluated at once; 256 by default.
            callbacks: Keras's. At the end of an epoch they are called after early stopping, so that
                they may save `state`. On TensorFlow they see every eighth batch.
            initial_epoch: the epoch to continue with, from 0.
            verbose: as of `keras.Model.fit`.

        Returns:
            Keras's `History`, or None if there was nothing left to train.
        """
        recipe, examples = self.recipe, self._examples(x, y, initial_epoch)
        if self.stopping and validation is None:
            raise ValueError("patience: expected validation examples, received none.")
        if len(examples) != self.steps_per_epoch:
            raise ValueError(f"x: expected {self.steps_per_epoch} batches of {recipe.batch_size}, received {len(examples)}.")
        examples.begin(initial_epoch)  # Keras may take a batch before the epoch begins
        begin = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: examples.begin(epoch))
        ours = [begin, _Finite(self), *([self.stopping] if self.stopping else ())]
        options = {
            "validation_data": None if validation is None else self._validation_data(validation),
            "validation_batch_size": validation_batch_size or EVALUATION_BATCH,
            "callbacks": [*ours, *callbacks],
            "verbose": verbose,
        }
        history = None
        if initial_epoch < recipe.epochs and not (self.stopping and self.stopping.over):
            history = self.model.fit(examples, epochs=recipe.epochs, initial_epoch=initial_epoch, shuffle=False, **options)
        self.finish()
        return history

    def _examples(self, x, y, epoch):
        """The batches of arrays, or of a function, from an epoch on."""
        if not callable(x):
            return self.batches(*self.check(x, y))
        if y is not None:
            raise ValueError(f"y: expected none, for x is a function that draws both, received {type(y).__name__}.")
        needed = self.steps_per_epoch * self.recipe.batch_size

        @functools.lru_cache(1)
        def draw(number):
            inputs, targets = self.check(*x(number))
            if len(inputs) < needed:
                raise ValueError(f"x: expected {needed} examples in each epoch, received {len(inputs)} in epoch {number}.")
            return self._taken(inputs), targets

        inputs, targets = draw(epoch)
        return self.batches(inputs, targets, draw)

    def _taken(self, x):
        """Symbols as the network takes them. Numbers become float32 in Examples, batch by batch."""
        return as_taken(self.network, x) if takes_symbols(self.network) else x

    def _validation_data(self, validation):
        """Validation examples as Keras's `fit` takes them."""
        if not isinstance(validation, tuple | list) or len(validation) != 2:
            raise ValueError(f"validation: expected (x, y), received {type(validation).__name__}.")
        x, y = self.check(*validation)
        if self.classes is not None and self.soft:
            y = np.eye(self.classes, dtype="float32")[y]
        return as_taken(self.network, x), y

    def finish(self) -> None:
        """Gives the network its final weights: the averaged ones, or those of the best epoch."""
        if self.recipe.ema:
            for variable, mean in zip(self.network.variables, self.model.average.variables, strict=True):
                variable.assign(engine.read(mean))
        if self.stopping:
            self.stopping.bring_back()

    def check(self, x: np.typing.ArrayLike, y: np.typing.ArrayLike | None) -> tuple[np.ndarray, np.ndarray]:
        """Examples must be what the network and the loss take. Returns them as arrays."""
        return check_examples(self.network, x, y, self.classes, own_loss=self.own_loss)

    def batches(self, x: np.ndarray, y: np.ndarray, draw: Draw | None = None) -> Examples:
        """The batches that `fit` trains on. With `draw`, x and y are those of the first epoch."""
        classes = self.classes if self.soft else None
        x = self._taken(x)
        return Examples(x, y, self.recipe.batch_size, classes=classes, mix=self.mix, draw=draw, seed=self.seed)

    def predict(self, x: np.typing.ArrayLike) -> np.ndarray:
        """Outputs for inputs `[N, ...]`, as an array.

        They are those of the network, or of its average where the recipe has one.
        """
        inputs = as_taken(self.network, check_inputs(self.network, x))
        with engine.unsharded():  # the last batch cannot be divided
            return self.model.predict(inputs, batch_size=EVALUATION_BATCH, verbose=0)


class _Finite(keras.callbacks.Callback):
    """Stops a run that diverged, before anybody saves it."""

    def __init__(self, training):
        super().__init__()
        self.training = training

    def on_epoch_end(self, epoch, logs=None):
        owners = {"network": self.training.network.variables, "optimizer": self.training.optimizer.variables}
        require_finite_metrics(logs or {}, owners, f"epoch {epoch + 1}")
        require_finite_variables(owners, f"epoch {epoch + 1}")


def _warn_of_steps():
    message = "Training.steps: its name is steps_per_epoch now; the old one goes with the next version."
    warnings.warn(message, DeprecationWarning, stacklevel=3)


def _xla_is_faster(network):
    """Whether XLA makes an update faster. On a CPU it slows down convolutions and recurrence."""
    if keras.backend.backend() != "tensorflow":
        return keras.backend.backend() == "jax"
    return not any(map(_slowed_by_xla, private.flatten_layers(network)))


def _slowed_by_xla(layer):
    # Steps of a cell with a memory are many small operations: XLA makes them four times faster.
    recurrent = isinstance(layer, keras.layers.RNN) and not isinstance(layer.cell, MemoryCell)
    return recurrent or "Conv" in type(layer).__name__


def probabilities(logits: Tensor) -> np.ndarray:
    """Softmax of logits `[..., classes]`, as an array."""
    return ops.convert_to_numpy(ops.softmax(ops.convert_to_tensor(logits)))
