"""`keras.Model.fit` by a recipe, exact at the boundaries of epochs."""

import keras
import numpy as np
from keras import ops

from lab import engine, optimizers, validation
from lab.engine import private
from lab.errors import require_finite_metrics, require_finite_variables
from lab.models.logits import check_logits
from lab.supervised.early_stopping import EarlyStopping
from lab.supervised.examples import Examples, mixing
from lab.supervised.inputs import as_taken, check_examples, check_inputs, takes_symbols
from lab.supervised.model import TrainingModel

EVALUATION_BATCH = 256
UPDATES_AT_ONCE = 8  # of Keras's function on TensorFlow; the same bits, and Python's callbacks cost an eighth


class Training:
    """A network, how it is trained, and every variable of that.

    Args:
        network: a built Keras model from inputs to logits `[..., classes]` or, without classes, numbers.
        recipe: a `Recipe`.
        steps: examples in an epoch over the batch size: what the recipe's epochs are counted in.
        classes: labels are integers from 0 to classes - 1; None for regression with the mean squared error.
        loss, metrics: of logits and labels, which are shares of the classes where the recipe mixes; as of `keras.Model.compile`, instead of cross-entropy with accuracy, or the mean squared error.
        jit: whether XLA compiles the step; None: where there are neither convolutions nor recurrent layers, which on a CPU are slower so.
        seed: of the order of examples, mixing and augmentation.
    """

    def __init__(self, network, recipe, *, steps, classes=None, loss=None, metrics=None, jit=None, seed):
        engine.prepare()
        self.network = network
        self.recipe = recipe
        self.classes = classes
        self.seed = seed
        self.steps = validation.integer("steps", steps)
        self.mix = mixing(recipe)
        if classes is None and (self.mix or recipe.label_smoothing):
            raise ValueError("mixup, cutmix, label_smoothing: expected 0 without classes, received more.")
        if classes is not None and network.outputs[0].shape[-1] != classes:
            raise ValueError(f"classes: expected {network.outputs[0].shape[-1]}, the network's logits, received {classes}.")
        if classes is not None and loss is None:
            check_logits("network", network.outputs[0])
        if loss is not None and recipe.label_smoothing:
            raise ValueError(f"label_smoothing: expected 0 with a loss of one's own, received {recipe.label_smoothing}.")
        if self.mix and takes_symbols(network):
            raise ValueError("mixup, cutmix: expected 0 for a network of symbols, received more.")
        self.soft = bool(self.mix or recipe.label_smoothing)  # labels are shares
        self.model = TrainingModel(network, self._augmentation(), recipe.ema)
        self.optimizer = make_optimizer(recipe, steps, network)
        if classes is None:
            usual: tuple = (keras.losses.MeanSquaredError(), [])
        elif self.soft:
            usual = (
                keras.losses.CategoricalCrossentropy(True, recipe.label_smoothing),
                [keras.metrics.CategoricalAccuracy("accuracy")],
            )
        else:
            usual = keras.losses.SparseCategoricalCrossentropy(True), [keras.metrics.SparseCategoricalAccuracy("accuracy")]
        self.loss, self.own_loss = loss or usual[0], loss is not None
        if jit is None:
            slower = any(
                "Conv" in type(each).__name__ or isinstance(each, keras.layers.RNN) for each in private.flatten_layers(network)
            )
            jit = keras.backend.backend() == "jax" or (keras.backend.backend() == "tensorflow" and not slower)
        metrics = usual[1] if metrics is None else metrics
        at_once = UPDATES_AT_ONCE if keras.backend.backend() == "tensorflow" else 1  # elsewhere Keras unrolls them
        self.model.compile(self.optimizer, self.loss, metrics=metrics, jit_compile=jit, steps_per_execution=at_once)
        self.optimizer.build(self.model.trainable_variables)
        evaluated = self.model.average.variables
        self.stopping = EarlyStopping(network.variables, recipe.patience, evaluated) if recipe.patience else None

    def _augmentation(self):
        """Layers that change inputs in training alone."""
        recipe, shape = self.recipe, self.network.inputs[0].shape[1:]
        wanted = recipe.shift or recipe.flip or recipe.rotation or recipe.cutmix
        if wanted and len(shape) != 3:
            raise ValueError(f"shift, flip, rotation, cutmix: expected images [H, W, C], received inputs of shape {shape}.")
        if recipe.shift and recipe.shift >= min(shape[:2]):
            raise ValueError(f"shift: expected less than the image's {min(shape[:2])} pixels, received {recipe.shift}.")
        seeds = np.random.SeedSequence([2, self.seed]).generate_state(3).tolist()
        layers = []
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
    def state(self):
        """Every variable that training reads or assigns at an epoch's beginning: a checkpoint of these is exact."""
        return [*self.model.variables, *self.optimizer.variables, *(self.stopping.state if self.stopping else ())]

    def fit(self, x, y=None, *, validation=None, callbacks=(), initial_epoch=0, verbose=0):
        """Trains to the recipe's end, or to where early stopping ends it. Returns Keras's `History`, or None where nothing was left to do.

        Args:
            x, y: examples, arrays with all of them, checked; see `check`. A data set that gives batches of both is refused.
            validation: (x, y) that are evaluated after each epoch.
            callbacks: Keras's; they see an epoch's end after early stopping has, so that they may save `state`; on TensorFlow they see every
                eighth batch.
            initial_epoch: where it goes on.
        """
        x, y = self.check(x, y)
        if self.stopping and validation is None:
            raise ValueError("patience: expected validation examples, received none.")
        recipe, history = self.recipe, None
        examples = self.batches(x, y)
        if len(examples) != self.steps:
            raise ValueError(f"x: expected {self.steps} batches of {recipe.batch_size}, received {len(examples)}.")
        if validation is not None:
            if not isinstance(validation, tuple | list) or len(validation) != 2:
                raise ValueError(f"validation: expected (x, y), received {type(validation).__name__}.")
            checked, targets = self.check(*validation)
            validation = (as_taken(self.network, checked), self._targets(targets))
        examples.begin(initial_epoch)  # Keras may look at a batch before the epoch begins
        begin = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: examples.begin(epoch))
        ours = [begin, _Finite(self)]
        if self.stopping:
            ours.append(self.stopping)
        if initial_epoch < recipe.epochs and not (self.stopping and self.stopping.over):
            history = self.model.fit(
                examples, epochs=recipe.epochs, initial_epoch=initial_epoch, shuffle=False, verbose=verbose,
                validation_data=validation, validation_batch_size=EVALUATION_BATCH, callbacks=[*ours, *callbacks],
            )  # fmt: skip
        self.finish()
        return history

    def finish(self):
        """What training ends with: the averaged weights, or those of the best epoch."""
        if self.recipe.ema:
            for variable, mean in zip(self.network.variables, self.model.average.variables, strict=True):
                variable.assign(engine.read(mean))
        if self.stopping:
            self.stopping.bring_back()

    def check(self, x, y):
        """Examples must be what the network and the loss take. Returns them as arrays."""
        return check_examples(self.network, x, y, self.classes, own_loss=self.own_loss)

    def batches(self, x, y):
        """The `Examples` that `fit` goes through."""
        classes = self.classes if self.soft else None
        if takes_symbols(self.network):
            x = as_taken(self.network, x)  # of numbers Examples makes the floats, batch by batch
        return Examples(x, y, self.recipe.batch_size, classes=classes, mix=self.mix, seed=self.seed)

    def predict(self, x):
        """The network's outputs for inputs `[N, ...]`, as an array."""
        inputs = as_taken(self.network, check_inputs(self.network, x))
        return self.network.predict(inputs, batch_size=EVALUATION_BATCH, verbose=0)

    def _targets(self, y):
        return np.eye(self.classes, dtype="float32")[y] if self.soft else y


class _Finite(keras.callbacks.Callback):
    """Stops a run that diverged, before anybody saves it."""

    def __init__(self, training):
        super().__init__()
        self.training = training

    def on_epoch_end(self, epoch, logs=None):
        owners = {"network": self.training.network.variables, "optimizer": self.training.optimizer.variables}
        require_finite_metrics(logs or {}, owners, f"epoch {epoch + 1}")
        require_finite_variables(owners, f"epoch {epoch + 1}")


def make_optimizer(recipe, steps, network):
    """The recipe's optimizer for a network, `steps` updates an epoch."""
    rate = step_sizes(recipe, steps)
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


def step_sizes(recipe, steps):
    """The learning rate, or its schedule over updates."""
    risen, total = round(recipe.warm_up * steps), recipe.epochs * steps
    if recipe.schedule == "cosine":
        start = 0.0 if risen else recipe.learning_rate
        target = {"warmup_target": recipe.learning_rate, "warmup_steps": risen} if risen else {}
        return keras.optimizers.schedules.CosineDecay(start, max(total - risen, 1), **target)
    if not risen:
        return recipe.learning_rate
    return keras.optimizers.schedules.PolynomialDecay(0.0, risen, recipe.learning_rate)


def probabilities(logits):
    """Softmax of logits, as an array."""
    return ops.convert_to_numpy(ops.softmax(ops.convert_to_tensor(logits)))
