"""A Keras callback that tracks training in a run: its numbers, its curve and its model."""

from typing import Any

import keras


class TrackRun(keras.callbacks.Callback):
    """Logs the numbers of each epoch to a run, and at the end its curve and its model.

    It serves `keras.Model.fit`, `lab.gan.GAN.fit`, `lab.supervised.Training.fit` and the `fit` of
    agents:

        with lab.runs.start("digits", {"units": 64}) as run:
            model.fit(x, y, epochs=5, callbacks=[TrackRun(run, curve="loss", model=True)])

    The step of an epoch is its number, from 1. If the logs have a "step", it is the step instead. A
    second `fit` from epoch 0 goes on after the last step of the first.

    Args:
        run: what `lab.runs.start` yields, or the `track` of an experiment.
        curve: the metric to draw as curve.png when training ends; "" for none.
        model: whether to log the model when training ends. Of a GAN it is the averaged generator,
            of an agent its greedy policy, of a `Training` the averaged network.
    """

    def __init__(self, run: Any, *, curve: str = "", model: bool = False) -> None:
        super().__init__()
        for method in ("log", "curve", "model"):
            if not callable(getattr(run, method, None)):
                raise ValueError(f"run: expected what lab.runs.start yields, received {type(run).__name__}.")
        self.run = run
        self.curve = curve
        self.keeps_model = model
        self._step = 0  # of the last epoch
        self._before = 0  # steps of earlier calls of `fit`
        self._unit = "epoch"
        self._agent: Any = None

    def set_agent(self, agent: Any) -> None:
        """Called by the `fit` of an agent."""
        self._agent = agent

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Forgets which epoch this `fit` begins with."""
        self._before = -1

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Logs the numbers of an epoch."""
        values = {name: value for name, value in (logs or {}).items() if value == value}  # NaN: nothing was measured
        if self._before < 0:
            self._before = max(self._step - epoch, 0)
        if "step" in values:
            self._step, self._unit = int(values.pop("step")), "step"
        else:
            self._step = self._before + epoch + 1
        self.run.log(values, self._step)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Logs the curve and the model, if they are wanted."""
        if self.curve:
            self.run.curve(self.curve, label=self.curve.replace("_", " "), x_label=self._unit)
        if self.keeps_model:
            self.run.model(_inference_model(self._agent.algorithm if self._agent else self.model))


def _inference_model(trained):
    """The model that a person uses after training: see `TrackRun`."""
    if hasattr(trained, "policy_model"):
        return trained.policy_model()
    average = getattr(trained, "average", None)
    return average if isinstance(average, keras.Model) else trained
