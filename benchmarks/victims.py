"""What the attack kills: forked processes that can kill themselves at a chosen moment.

python -m benchmarks.victims MODULE ...    the server

The server imports these modules. Then it reads one JSON request a line on stdin, and gives two JSON
answers on stdout: {"pid"} when the fork has begun, and {"code", "seconds"} when it has ended.

An import of a backend takes seconds, a fork almost nothing. The server imports everything and runs
nothing. So the backend has no threads yet, which a fork would lose. All else is as in
`python -m <module>`: the same main, arguments, folders and signals.
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
    "keras", "lab.agents", "lab.agents.tabular", "lab.engine", "lab.runs.experiment", "lab.gan", "lab.layers", "lab.models",
    "lab.supervised", "envs", "gymnasium", "matplotlib.backends.backend_agg", "PIL.Image", "scipy.stats", "tyro",
)  # fmt: skip
DELIVERY = ("lab.runs.courier", "lab.__main__", "mlflow", "sqlalchemy.dialects.sqlite", "alembic")
CALLS = ("fsync", "replace", "rename", "unlink")  # of `os`
SIDES = ("before", "amid", "after")


class Trap:
    """Counts a run's calls to the disk, and kills it at one of them.

    Calls to the disk are fsyncs, renames, deletions and lines of the journal.

    Args:
        at: the number of the call to die at, from 1; 0 only counts.
        side: "before" the call, "after" it, or "amid": a line of the journal is then cut in half,
            and any other call is made as a whole.
        of: only calls whose first argument contains this text count.
    """

    def __init__(self, at=0, side="before", of=""):
        self.at = at
        self.side = side
        self.of = of
        self.count = 0
        self.last = ""

    def set(self):
        """Wraps the calls of this process, for good."""
        for name in CALLS:
            setattr(os, name, self.around(f"os.{name}", getattr(os, name)))
        Journal.append = self.around("journal line", Journal.append)

    def around(self, name, call):
        """The call, wrapped."""

        def trapped(*arguments, **options):
            if self.of not in str(arguments[0]):
                return call(*arguments, **options)
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
        """Prints where it is, and kills this process. The line is in the file of its output."""
        print(f"\nkilled {self.side} {self.last} number {self.count}", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)


class Server:
    """A process with many imports, from which others are forked, one at a time."""

    def __init__(self, backend, imported=EXPERIMENTS):
        environment = CACHE | QUICK | os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, "-m", "benchmarks.victims", *imported]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True, **pipes)
        self.pid = None
        self.seconds = 0.0

    def start(self, module, arguments, home, *, at=0, side="before", of=""):
        """Forks `python -m module arguments`, with LAB_HOME at `home` and a `Trap`."""
        request = {"module": module, "arguments": arguments, "home": str(home), "at": at, "side": side, "of": of}
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        self.pid = self._answer(600)["pid"]

    def wait(self, seconds):
        """Waits for the process. Returns its exit code, negative where a signal ended it.

        None where it still runs after so many seconds. `self.seconds` is then how long it ran.
        """
        answer = self._answer(seconds)
        if answer is None:
            return None
        self.pid = None
        self.seconds = answer["seconds"]
        return answer["code"]

    def signal(self, number):
        """Sends a signal to the process, which may have ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def close(self):
        """Ends the server and the process."""
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
            raise RuntimeError(f"expected an answer, received exit code {self._process.wait()} of the server")
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.close()


def serve():
    """Imports, then forks a process for each request."""
    for module in sys.argv[1:]:
        package = importlib.import_module(module)
        for name in getattr(package, "__all__", ()):  # a lazy package imports a name when it is used
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
    """Runs a module in the forked process. Its output goes to the file `output` in its home."""
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
        trap = Trap(request["at"], request["side"], request["of"])
        trap.set()
        try:
            runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
        except SystemExit as stop:
            code = stop.code or 0
        except KeyboardInterrupt:  # SIGTERM before the run began; an interpreter ends in this way
            code = 130
        print(f"\n{trap.count} calls", flush=True)
    except BaseException as failure:
        print(repr(failure), flush=True)
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve()
