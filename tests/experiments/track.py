"""A track that keeps everything in lists, and what makes a run brief."""

import contextlib

import pytest
from matplotlib.figure import Figure
from PIL import Image

from experiments.common import deep_agents
from lab import agents
from lab.agents import watching
from tests.graphs import eagerly


class Differs(BaseException):
    """A run has logged something else than another one: the rest of it need not be seen."""


class Memory:
    """What `run` logs, without a disk but for its artifacts."""

    another = None  # what another run logged; see `until_it_differs`
    seed, checkpoint_every, stopping = 3, 10_000, False
    together, first = False, True

    def __init__(self, folder):
        self.artifacts, self.logged, self.models, self.said, self.tags = folder, [], [], [], {}
        self.everything = []

    def log(self, metrics, step):
        self.everything.append((step, dict(metrics)))
        self.logged.append((step, {key: value for key, value in metrics.items() if not key.endswith("_per_second")}))
        if self.another is not None and self.logged != self.another[: len(self.logged)]:
            raise Differs

    def metrics(self):
        history = {}
        for step, metrics in self.everything:
            for key, value in metrics.items():
                history.setdefault(key, []).append((step, value))
        return history

    def checkpoint_interval(self, least=0, multiple=1):
        return 10_000

    def say(self, sentence):
        self.said.append(sentence)

    def tag(self, name, value):
        self.tags[name] = value

    fact = tag

    def restore(self, variables):
        return 0

    def begin(self, variables, total):
        return 0

    def advance(self, variables, done):
        pass

    def model(self, model):
        self.models.append(model)

    def other_model(self, model, name):
        model.save(self.artifacts / name)

    def artifact(self, name):
        assert (self.artifacts / name).exists()

    def figure(self, name, figure, dpi=110):
        figure.savefig(self.artifacts / name, dpi=dpi)
        self.artifact(name)

    def checkpoint(self, variables, step):
        pass

    def curve(self, key, *, label, x_label, title="", lines=None, dots=None):
        pass


@contextlib.contextmanager
def until_it_differs(logged):
    """Runs end with `Differs` as soon as they log something else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Memory, "another", logged)
        yield


def untimed(result):
    """The results of a run that another run with the same settings has, too."""
    return {key: value for key, value in result.items() if not key.startswith("milliseconds")}


@contextlib.contextmanager
def undrawn():
    """Figures are one pixel: to draw them takes longer than what they show took to compute."""

    def save(figure, path, **options):
        Image.new("RGB", (1, 1)).save(path, "PNG")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", save)
        yield


@contextlib.contextmanager
def brief():
    """A run may be a few updates long: reports every 8 steps, nothing compiled or recorded."""
    train = agents.train
    with eagerly(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(deep_agents, "report_every", lambda config: 8)
        patch.setattr(watching, "record_episode", lambda environment, model, path, **options: path.touch())
        patch.setattr(agents, "train", lambda *args, **options: train(*args, **options | {"report_every": 8}))
        yield
