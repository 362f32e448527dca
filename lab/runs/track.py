"""What an experiment's `run` uses to log, to save its state and to restore it."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from lab.runs import events
from lab.runs.files import write_csv, write_json
from lab.runs.journal import Journal
from lab.runs.paths import replacing
from lab.runs.progress import Progress
from lab.runs.run_folder import RunFolder

SHARE = 20  # without --checkpoint-every, saving takes at most one 20th of the time of a run


class Stopped(Exception):
    """The user asked the run to stop, and it has stopped at a checkpoint."""


class Track:
    """The logbook of a run, which `run(config, track)` receives.

    Attributes:
        seed: the seed of the run.
        checkpoint_every: steps between two checkpoints, 10,000 by default.
        artifacts: the folder for files to look at. Write them there, then log them by `artifact`.
        stopping: whether the user asked the run to stop at its next checkpoint.
        together: whether other seeds run in the same program. See `lab.runs.together`.
        first: whether it is the first of these seeds. True for a run that is alone.
        saving: whether a checkpoint will come: from `restore` to the checkpoint of the last step.
        results: what `finish` was given, None before.
    """

    def __init__(self, folder: RunFolder, journal: Journal, progress: Progress) -> None:
        header = folder.header()
        self.folder = folder
        self.progress = progress
        self.seed = header["seed"]
        self.artifacts = folder.artifacts
        self.together = "together" in header
        self.first = True
        self.stopping = False
        self.saving = False
        self.results: dict[str, float] | None = None
        self._wanted = header["options"]["checkpoint_every"]  # 0: nothing was asked for
        self._total = header["total_steps"]
        self._digest = header["digest"]
        self._journal = journal
        self._step = 0  # of the latest metrics
        self._saved = 0  # repetitions at the latest checkpoint; see `begin`
        self._resumable = False
        self._counting = False
        self.checkpoint_every = self.checkpoint_interval()
        for left in folder.artifacts.glob(".*.partial*"):  # of a process that was killed while it wrote
            left.unlink()
        if not any(event["artifact"] == "config.json" for event, _ in folder.read(key="artifact")):
            content = {key: header[key] for key in ("experiment", "seed", "backend", "config", "versions")}
            write_json(self.artifacts / "config.json", content)
            self.artifact("config.json")

    def checkpoint_interval(self, least: int = 0, multiple: int = 1) -> int:
        """Steps between two checkpoints.

        They are what the command line says. By default they are 10,000 or `least`, whichever is
        more, rounded up to a multiple of `multiple`.
        """
        return self._wanted or multiple * -(-max(10_000, least) // multiple)

    def log(self, metrics: Mapping[str, Any], step: Any) -> None:
        """Logs numbers at a step and shows the progress.

        Args:
            metrics: {name: number}.
            step: environment steps, images seen or epochs, as the experiment counts.
        """
        self._step = step
        self._journal.metrics(metrics, step)
        if not self._counting:
            self.progress.update(step, metrics)

    def restore(self, variables: Sequence[Any]) -> int:
        """Restores variables from the newest whole checkpoint. Returns its step, else 0."""
        from lab.runs import checkpoint

        self._resumable = True
        found = checkpoint.restore(self.folder.checkpoints, variables, config_digest=self._digest)
        self.saving = found is None or not 0 < self._total <= found.step
        if found is None:
            return 0
        for complaint in found.damaged:
            self.say(f"checkpoint {complaint}; falling back to {found.path.name if found.path else 'the start'}")
        self.say(f"resuming at step {found.step:,}")
        self._step = found.step
        return found.step

    def checkpoint(self, variables: Sequence[Any], step: int) -> None:
        """Saves all variables of the run. Stops the run here if the user asked for that.

        A full disk does not stop the run: it says so and keeps the older checkpoints.
        """
        from lab.runs import checkpoint

        try:
            self._journal.sync()
            checkpoint.save(self.folder.checkpoints, step, variables, config_digest=self._digest)
        except OSError as error:
            end = "stops" if self.stopping else "goes on"
            self.say(f"no checkpoint at step {step:,}: {error}; the older ones are kept and the run {end}")
        if self.stopping:
            raise Stopped
        self.saving = not 0 < self._total <= step

    def begin(self, variables: Sequence[Any], total: int) -> int:
        """`restore` for a run that counts repetitions, not the steps of its metrics.

        Args:
            total: repetitions of the whole run.

        Returns:
            How many repetitions are done.
        """
        logged = self._step
        self._counting = True
        self._total = total
        self.progress.total = total
        done = self._saved = self.restore(variables)
        self._step = logged
        self._next_look = 0.0
        self._next_save = time.monotonic() + 1.0
        return done

    def advance(self, variables: Sequence[Any], done: int) -> None:
        """Shows how many repetitions are done, and saves if it is time. Call `begin` first.

        With --checkpoint-every, it is time after that many repetitions. Otherwise the clock
        decides: once a second, or less often if saving is slow. The last repetition is always
        saved. The results of a run must not depend on when it saves.
        """
        now, last = time.monotonic(), done == self._total
        if now >= self._next_look or last:
            self._next_look = now + 0.2
            self.progress.update(done, {})
        due = done - self._saved >= self._wanted if self._wanted else now >= self._next_save
        if due or self.stopping or last:
            self.checkpoint(variables, done)
            self._saved = done
            end = time.monotonic()
            self._next_save = end + max(1, SHARE * (end - now))

    def say(self, sentence: str) -> None:
        """Prints a line above the progress bar."""
        self.progress.say(sentence)

    def artifact(self, name: str) -> None:
        """Logs a file in the folder `artifacts`."""
        self._journal.append({"artifact": name})

    def tag(self, name: str, value: Any) -> None:
        """Logs a text as a tag of the run."""
        events.require_name(name)
        self._journal.append({"tags": {name: str(value)}})

    def fact(self, name: str, value: Any) -> None:
        """Logs a tag that must be the same whenever the run is resumed.

        Raises:
            CheckpointError: the run began with another value.
        """
        from lab.errors import CheckpointError

        known = [event["tags"][name] for event, _ in self.folder.read(key="tags") if name in event["tags"]]
        if not known:
            self.tag(name, value)
        elif known[0] != str(value):
            raise CheckpointError(f"{name}: expected {known[0]}, with which the run began, received {value}.")

    def metrics(self) -> dict[str, list[tuple[int, float]]]:
        """All metrics so far, {key: [(step, value), ...]}, also those before an interruption."""
        return self.folder.metrics()

    def curve(
        self,
        key: str,
        *,
        label: str,
        x_label: str,
        title: str = "",
        lines: Mapping[str, float] | None = None,
        dots: Mapping[str, str] | None = None,
    ) -> None:
        """Logs one of the metrics as a picture, curve.png.

        Args:
            key: name of the metric.
            label, x_label: of the axes, with units.
            title: what the picture shows. The default is the label and the name of the run.
            lines: {label: value} of lines to compare with; see `lab.runs.curves.reference_lines`.
            dots: {name of another metric: label}. These metrics are drawn as dots.
        """
        from lab.runs.curves import learning_curve

        metrics = self.metrics()
        figure = learning_curve(
            metrics.get(key, ()),
            title=title or f"{label[:1].upper()}{label[1:]}: {self.folder.name}",
            y_label=label,
            x_label=x_label,
            lines=lines,
            dots={name: metrics[other] for other, name in (dots or {}).items() if other in metrics},
        )
        self.figure("curve.png", figure, dpi=120)

    def figure(self, name: str, figure: Any, dpi: int = 110) -> None:
        """Logs a figure of Matplotlib as a PNG of this name."""
        with replacing(self.artifacts / name) as path:
            figure.savefig(path, dpi=dpi, metadata={"Software": None})
        self.artifact(name)

    def model(self, model: Any) -> None:
        """Logs a Keras model, for `mlflow.keras.load_model`."""
        import keras

        self._save(model, "model.keras")
        event = {"model": "model.keras", "step": self._step}
        self._journal.append(event | {"requirements": [f"keras=={keras.__version__}", *_backend_requirement()]})

    def other_model(self, model: Any, name: str) -> None:
        """Logs a Keras model as a file beside the one that `model` logs."""
        self._save(model, name)
        self.artifact(name)

    def _save(self, model, name):
        import lab.engine.private

        with replacing(self.artifacts / name) as path, lab.engine.private.without_tensorflow():
            model.save(path)

    def finish(self, results: Mapping[str, Any], step: int | None = None) -> None:
        """Logs the results of a run that is done, and all its metrics as metrics.csv.

        The results become metrics too, of this step or the last one.
        """
        self._step = self._step if step is None else step
        if self._wanted and not self._resumable:
            self.say(f"--checkpoint-every {self._wanted} changed nothing: this experiment saves no checkpoint")
        self._journal.metrics(results, self._step)
        rows = ((name, step, value) for name, points in self.metrics().items() for step, value in points)
        write_csv(self.artifacts / "metrics.csv", ["key", "step", "value"], rows)
        self.artifact("metrics.csv")
        self.results = {name: float(value) for name, value in results.items()}
        self._journal.append({"results": self.results})


def _backend_requirement():
    import importlib.metadata

    import keras

    backend = keras.backend.backend()
    return [f"{backend}=={importlib.metadata.version(backend)}"]
