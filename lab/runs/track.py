"""What an experiment's `run` uses to log, to save its state and to find it again."""

import csv
import time

from lab.runs import events
from lab.runs.files import write_json
from lab.runs.paths import replacing

SHARE = 20  # saving by the clock may take one part in so many of a run's time


class Stopped(Exception):
    """The run was asked to stop, and did so at a checkpoint."""


class Track:
    """A run's logbook, handed to `run(config, track)`.

    Attributes:
        seed: the run's seed.
        checkpoint_every: steps between two checkpoints, of the default settings 10,000.
        artifacts: the folder where files to look at are made, before `artifact` logs them.
        stopping: whether the user asked the run to stop at its next checkpoint.
        saving: whether a checkpoint is to come; not before `restore`, nor after that of the last step.
    """

    def __init__(self, folder, journal, progress):
        header = folder.header()
        self.folder, self.progress = folder, progress
        self.seed, self._wanted = header["seed"], header["options"]["checkpoint_every"]
        self.checkpoint_every = self.checkpoint_interval()
        self.artifacts = folder.artifacts
        self.stopping = self.saving = False
        self._total = header["total_steps"]
        self._digest = header["digest"]
        self._journal = journal
        self._step = self._saved = 0
        self._resumable = self._counting = False
        for left in folder.artifacts.glob(".*.partial*"):  # by a process that was killed while it wrote
            left.unlink()
        if not any(event["artifact"] == "config.json" for event, _ in folder.read(key="artifact")):
            content = {key: header[key] for key in ("experiment", "seed", "backend", "config", "versions")}
            write_json(self.artifacts / "config.json", content)
            self.artifact("config.json")

    def checkpoint_interval(self, least=0, multiple=1):
        """Steps between two checkpoints: what the command line says or else 10,000, but no less than `least`, in whole multiples."""
        return self._wanted or multiple * -(-max(10_000, least) // multiple)

    def log(self, metrics, step):
        """Logs numbers at a step (environment steps, images seen or epochs) and shows progress."""
        self._step = step
        self._journal.metrics(metrics, step)
        if not self._counting:
            self.progress.update(step, metrics)

    def restore(self, variables):
        """Brings variables back to the newest whole checkpoint. Returns its step, or 0 where there is none."""
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

    def checkpoint(self, variables, step):
        """Saves all variables of the run; stops the run here if the user asked for it.

        A disk that is full does not stop the run: unless it was asked to stop it goes on, with the older checkpoints kept, and says so.
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

    def begin(self, variables, total):
        """`restore` for a run of `total` repetitions, which are no steps of its metrics. Returns how many are done."""
        logged = self._step
        self._counting = True
        self._total = total
        self.progress.total = total
        done = self._saved = self.restore(variables)
        self._step = logged
        self._next_look = 0.0
        self._next_save = time.monotonic() + 1.0
        return done

    def advance(self, variables, done):
        """Shows how many repetitions are done, and saves where it is time to; `begin` must have been called.

        With --checkpoint-every it is time after so many repetitions, else by the clock: once a second, or less
        often where saving is slow. The last repetition is always saved. The run's bits must not depend on it.
        """
        now, last = time.monotonic(), done == self._total
        if now >= self._next_look or last:
            self._next_look = now + 0.2
            self.progress.update(done, {})
        due = done - self._saved >= self._wanted if self._wanted else now >= self._next_save
        if due or self.stopping or last:
            self.checkpoint(variables, done)
            self._saved, end = done, time.monotonic()
            self._next_save = end + max(1, SHARE * (end - now))

    def say(self, sentence):
        """Prints a line beside the progress."""
        self.progress.say(sentence)

    def artifact(self, name):
        """Logs a file of `artifacts`."""
        self._journal.append({"artifact": name})

    def tag(self, name, value):
        """Logs a word beside the numbers, as a tag of the run."""
        events.require_name(name)
        self._journal.append({"tags": {name: str(value)}})

    def fact(self, name, value):
        """A tag that must be the same whenever the run is resumed: a `CheckpointError` where it is another."""
        from lab.errors import CheckpointError

        known = [event["tags"][name] for event, _ in self.folder.read(key="tags") if name in event["tags"]]
        if not known:
            self.tag(name, value)
        elif known[0] != str(value):
            raise CheckpointError(f"{name}: expected {known[0]}, with which the run began, received {value}.")

    def metrics(self):
        """Everything logged so far, {key: [(step, value), ...]}, also by the parts of the run before an interruption."""
        return self.folder.metrics()

    def curve(self, key, *, label, x_label):
        """Logs one of the metrics as a picture, curve.png."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        axes.plot(*zip(*self.metrics().get(key, ()), strict=True), color="tab:blue", linewidth=1.5)
        axes.set(title=self.folder.name, xlabel=x_label, ylabel=label)
        axes.grid(alpha=0.3)
        with replacing(self.artifacts / "curve.png") as path:
            figure.savefig(path, dpi=120)
        self.artifact("curve.png")

    def model(self, model):
        """Logs a Keras model, for `mlflow.keras.load_model`."""
        import keras

        with replacing(self.artifacts / "model.keras") as path:
            model.save(path)
        event = {"model": "model.keras", "step": self._step}
        self._journal.append(event | {"requirements": [f"keras=={keras.__version__}", *_backend_requirement()]})

    def finish(self, results):
        """Logs the results of a run that is done, as metrics of the last step, and all metrics as metrics.csv."""
        if self._wanted and not self._resumable:
            self.say(f"--checkpoint-every {self._wanted} changed nothing: this experiment saves no checkpoint")
        self._journal.metrics(results, self._step)
        with replacing(self.artifacts / "metrics.csv") as path, open(path, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["key", "step", "value"])
            writer.writerows((name, step, value) for name, points in self.metrics().items() for step, value in points)
        self.artifact("metrics.csv")
        self._journal.append({"results": {name: float(value) for name, value in results.items()}})


def _backend_requirement():
    import importlib.metadata

    import keras

    backend = keras.backend.backend()
    return [f"{backend}=={importlib.metadata.version(backend)}"]
