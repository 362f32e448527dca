"""What the attack kills: modules in processes that are forked after their imports and can kill themselves at a chosen moment.

python -m benchmarks.victims MODULE ...    the server: imports these modules, then takes one JSON request a line on stdin and gives
two JSON answers, {"pid"} and {"code"}, on stdout

Importing a backend costs seconds, a fork nothing. The server imports everything and runs nothing, so that no thread of the backend
is there to be lost by the fork. All else is as in `python -m <module>`: the same main, arguments, folders and signals.
"""

import contextlib
import importlib
import json
import os
import runpy
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from lab.runs.journal import Journal
from tests.__main__ import CACHE, QUICK

ROOT = Path(__file__).resolve().parent.parent
EXPERIMENTS = (
    "keras", "lab.agents", "lab.agents.tabular", "lab.engine", "lab.runs.experiment", "lab.gan", "lab.layers", "lab.models", "lab.supervised",
    "envs", "gymnasium", "matplotlib.backends.backend_agg", "PIL.Image", "scipy.stats", "tyro",
)  # fmt: skip
DELIVERY = ("lab.runs.courier", "lab.__main__", "mlflow", "sqlalchemy.dialects.sqlite", "alembic")
CALLS = ("fsync", "replace", "rename", "unlink")  # of `os`
SIDES = ("before", "amid", "after")


class Trap:
    """Counts what a run does to the disk (fsyncs, renames, deletions, lines of its journal), and kills it at one of these.

    Args:
        at: the number of the one to die at, from 1; 0 only counts.
        side: before it, after it, or amid it: a line of the journal is then cut in half, and any other call is done.
    """

    def __init__(self, at=0, side="before"):
        self.at = at
        self.side = side
        self.count = 0
        self.last = ""

    def set(self):
        """Puts itself around the calls, in this process for good."""
        for name in CALLS:
            setattr(os, name, self.around(f"os.{name}", getattr(os, name)))
        Journal.append = self.around("journal line", Journal.append)

    def around(self, name, call):
        """The call, counted."""

        def trapped(*arguments, **options):
            self.count, self.last = self.count + 1, name
            dying = self.count == self.at
            if dying and self.side == "before":
                self.die()
            line = dying and self.side == "amid" and name == "journal line"
            path = arguments[0].folder.journal if line else None
            size = os.path.getsize(path) if line else 0
            result = call(*arguments, **options)
            if line:
                os.truncate(path, (size + os.path.getsize(path)) // 2)
            if dying:
                self.die()
            return result

        return trapped

    def die(self):
        """SIGKILL, after saying where: the process's own last words, which the file keeps without it."""
        print(f"\nkilled {self.side} {self.last} number {self.count}", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)


class Server:
    """A process with much imported, from which others are forked, one at a time."""

    def __init__(self, backend, imported=EXPERIMENTS):
        environment = CACHE | QUICK | os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.victims", *imported], cwd=ROOT, env=environment, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.pid, self.seconds = None, 0.0

    def start(self, module, arguments, home, *, at=0, side="before"):
        """Forks `python -m module arguments` with its LAB_HOME at `home`, and with a trap."""
        request = {"module": module, "arguments": arguments, "home": str(home), "at": at, "side": side}
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        self.pid = self._answer(600)["pid"]

    def wait(self, seconds):
        """The exit code, negative where a signal ended it, and `seconds`; None where it goes on after so many seconds."""
        answer = self._answer(seconds)
        if answer is None:
            return None
        self.pid, self.seconds = None, answer["seconds"]
        return answer["code"]

    def signal(self, number):
        """Sends a signal to what runs, which may have ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def close(self):
        """Ends the server, and what runs."""
        if self.pid is not None:
            self.signal(signal.SIGKILL)
        self._process.stdin.close()
        self._process.wait()

    def _answer(self, seconds):
        ready, _, _ = select.select([self._process.stdout], [], [], max(seconds, 0))
        if not ready:
            return None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the server of victims ended with {self._process.wait()}")
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.close()


def serve():
    """Imports, then forks a run for each request."""
    for module in sys.argv[1:]:
        package = importlib.import_module(module)
        for name in getattr(package, "__all__", ()):  # a lazy package imports what is asked for
            getattr(package, name)
    for line in sys.stdin:
        request, began = json.loads(line), time.monotonic()
        pid = os.fork()
        if not pid:
            _live(request)
        print(json.dumps({"pid": pid}), flush=True)
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"code": os.waitstatus_to_exitcode(status), "seconds": time.monotonic() - began}), flush=True)


def _live(request):
    """The forked process: the module, as from a command line. Its output goes to `output` in its home."""
    code, home = 1, Path(request["home"])
    try:
        os.setsid()
        home.mkdir(parents=True, exist_ok=True)
        output = os.open(home / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for number in (1, 2):
            os.dup2(output, number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ["LAB_HOME"] = str(home)
        sys.argv = [request["module"], *request["arguments"]]
        trap = Trap(request["at"], request["side"])
        trap.set()
        try:
            runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
        except SystemExit as stop:
            code = stop.code or 0
        except KeyboardInterrupt:  # SIGTERM before the run began; the interpreter itself would end so
            code = 130
        print(f"\n{trap.count} calls", flush=True)
    except BaseException as failure:
        print(repr(failure), flush=True)
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve()
