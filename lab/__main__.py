"""`python -m lab`: the commands over runs. Each is a file of `lab/commands`."""

import importlib
import sys
from collections.abc import Sequence

from lab import validation
from lab.runs import command_line, lifecycle, mlflow_server

USAGE = """python -m lab <command>

  runs [WORD] [--running] [--failed] [--children] [--json]
      List the runs on this disk: status, step, result and age.
  ui [RUN_ID] [--port N] [--tracking-uri URI]
      Show the runs in the MLflow UI, on 127.0.0.1. Print the address of a run, by default the newest.
  resume RUN_ID
      Resume an interrupted run, exactly from its last checkpoint.
  watch RUN_ID [--seed N] [--window] [--environment ID] [--output FILE] [--tracking-uri URI]
      Play one episode with the greedy policy of a run. Write it to a GIF or show it in a window.
  evaluate RUN [--episodes N] [--environment ID] [--policy last|best] [--seed N] [--json] [--tracking-uri URI]
      Play greedy episodes with the policy of a run or of a saved agent (agent.zip). Print their returns.
  export RUN [--format keras|savedmodel|onnx|litert] [--output PATH] [--policy last|best] [--tracking-uri URI]
      Write the model of a run or of a saved agent, for use elsewhere.
  sample RUN_ID [--count N] [--label K] [--truncation T] [--seed N] [--output FILE] [--tracking-uri URI]
      Draw samples from the generator of a run. Write them to a PNG.
  predict RUN_ID PICTURE ... [--threshold S] [--output FILE] [--json] [--tracking-uri URI]
      Draw what the detector of a run finds in pictures, or in all pictures of a folder.
  translate RUN_ID PICTURE ... [--back] [--output FILE] [--tracking-uri URI]
      Translate pictures with the generator of a run. Write them to PNGs.
  style CONTENT ... STYLE [--ratio R] [--size N] [--colours] [--steps N] [--network RUN] [--output FILE]
      Give pictures the style of another, the last one. Write them to PNGs.
  sweep EXPERIMENT field=A,B field=LOW:HIGH field=log:LOW:HIGH [--trials N] [--seeds N] [--jobs N]
      Look for good settings of an experiment. Go on with a study: sweep --resume STUDY
  compare GROUP ... [--metric NAME] [--failed drop|worst] [--markdown] [--latex] [--tracking-uri URI]
      Compare runs, experiments or searches, with intervals. Keep the tables and a figure as a run.
  sync [--tracking-uri URI]
      Deliver to MLflow what could not be delivered while the runs were running.
  clean [WORD] [--smoke] [--failed] [--checkpoints] [--all] [--older DAYS] [--yes]
      Say what would be deleted and how much disk that frees, and ask.
  info [--json]
      Print versions, machine and store, for a report of a bug.

RUN_ID is the name of a run or its MLflow run id.
python -m lab <command> --help explains the flags of a command.
"""
# Files of lab/commands.
COMMANDS = (
    *("runs", "ui", "resume", "watch", "evaluate", "export", "sample", "predict", "translate", "style"),
    *("compare", "sweep", "sync", "clean", "info"),
)
WITHOUT_FLAGS = ("resume",)


def main(argv: Sequence[str]) -> int:
    """Runs a command. Returns the exit code."""
    name, rest = (argv[0], argv[1:]) if argv else ("", [])
    help_wanted = bool(rest) and rest[0] in command_line.HELP
    if name in ("", *command_line.HELP) or (name in WITHOUT_FLAGS and help_wanted):
        print(USAGE, end="")
        return 0
    try:
        with command_line.one_line_errors():
            mlflow_server.conceal_password()
            validation.require_name("command", name, COMMANDS)
            return importlib.import_module(f"lab.commands.{name}").main(rest)
    except KeyboardInterrupt:
        return lifecycle.say_interrupted()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
