"""`python -m lab sweep`: looks for good settings of an experiment."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from lab import validation
from lab.runs import (
    command_line,
    devices,
    header,
    keras_settings,
    lifecycle,
    memory,
    menu,
    opening,
    planning,
    run_folder,
    side_by_side,
    space,
    study,
    sweep,
    sweep_plan,
)
from lab.runs.header import Options

PROG = "python -m lab sweep EXPERIMENT field=A,B field=LOW:HIGH field=log:LOW:HIGH field=VALUE"


@dataclass(frozen=True)
class Sweep:
    """The flags of `sweep`, beside those of every experiment."""

    trials: Annotated[int, validation.Interval(1, 10**5)] = 40
    """How many settings are tried. A grid has at most as many as it has points."""
    sampler: study.Sampler = "tpe"
    """How settings are drawn: tpe learns from earlier trials, so does cmaes (ranges alone); random
    and grid do not."""
    metric: str = ""
    """The result to improve. By default the one that the experiment promises."""
    minimize: bool = False
    """Small results are good. By default the experiment's promise decides."""
    prune: bool = False
    """Stop a trial early if its curve is below the median of the earlier trials at that step."""
    curve: str = ""
    """The metric that --prune compares. By default the result, or what stands for it in a run."""

    def __post_init__(self) -> None:
        validation.check_fields(self)


def main(argv: Sequence[str]) -> int:
    """Runs or resumes a sweep."""
    count = next((place for place, word in enumerate(argv) if word.startswith("-")), len(argv))
    words, flags = list(argv[:count]), list(argv[count:])
    started_by = _module(words.pop(0)) if words and "=" not in words[0] else ""
    asked, options = command_line.parse(PROG, "Looks for good settings of an experiment.", flags, Sweep(), Options())
    study.require_optuna(asked.sampler)
    for name in ("print_jobs", "together"):
        validation.require(not getattr(options, name), name, f"no {validation.flag(name)} with a sweep", getattr(options, name))
    keras_settings.choose_backend(keras_settings.backend())
    lifecycle.listen()
    if options.resume is not None:
        return _resumed(options.resume, started_by, words, flags)
    if not started_by:
        raise ValueError("sweep: expected an experiment, such as dqn_cartpole, received none")
    experiment = planning.load(started_by)
    base = experiment.config_class(**(experiment.smoke if options.smoke else {}))
    if options.config:
        base = planning.from_file(base, Path(options.config))
    base, precision = devices.with_precision(base, keras_settings.backend())
    tried = space.parse(words, base)
    if asked.sampler == "grid":
        tried.grid()
    lists = [name for name, each in tried.dimensions.items() if isinstance(each, space.Choices)]
    ranges = len(tried.dimensions) > len(lists)
    validation.require(ranges or asked.sampler != "cmaes", "sampler", "a range among the settings for cmaes", "lists alone")
    metric, maximize = sweep_plan.objective(experiment, asked.metric, asked.minimize)
    plan = sweep_plan.Plan(
        tuple(words),
        asked.trials,
        asked.sampler,
        metric,
        maximize,
        sweep_plan.curve(asked.prune, asked.curve, metric, tried.config),
    )
    side_by_side.require_engine(options)
    if hasattr(tried.config, "memory"):
        print(memory.require(memory.times(tried.config.memory(), max(options.jobs, 1))))
    if precision:
        print(precision)
    options = dataclasses.replace(options, jobs=max(options.jobs, 1) if options.engine == header.LOCAL else options.jobs)
    flags_given = [*command_line.words(asked, Sweep()), *command_line.words(options, Options())]
    about = {
        "kind": "study",
        "study": plan._asdict(),
        "total_steps": asked.trials,
        "command": ["python", "-m", "lab", "sweep", *argv[:1], *words, *flags_given],
    }
    began = planning.header_of(experiment, tried.config, options) | about
    folder = run_folder.RunFolder.create(began)
    opening.say(folder)
    return sweep.run(folder, experiment, plan, tried, options)


def _resumed(name: str, started_by: str, words: list[str], flags: list[str]) -> int:
    """Goes on with a study. --trials may be more than before, --jobs another number."""
    folder = run_folder.find(name)
    began = folder.header()
    if began.get("kind") != "study":
        raise ValueError(f"--resume: expected a study, received {folder.name}, a {began.get('kind', 'run')}")
    experiment = planning.load(began["module"])
    if started_by not in ("", began["module"]):
        raise ValueError(f"--resume: expected a study of {started_by}, received {folder.name}, a study of {began['module']}")
    kept = sweep_plan.Plan(**began["study"])
    more = [int(event["tags"][sweep.TRIALS]) for event, _ in folder.read(key="tags") if sweep.TRIALS in event["tags"]]
    kept = kept._replace(trials=max(kept.trials, *more, 0))
    if words and words != list(kept.words):
        raise ValueError(f"settings: expected {' '.join(kept.words)}, with which the study began, received {' '.join(words)}")
    if folder.status() == "RUNNING":
        raise ValueError(f"--resume: expected a study that no process is running, received {folder.name}, which is RUNNING")
    config, options = header.settings_of(experiment.config_class, folder)
    usual = Sweep(trials=kept.trials, sampler=kept.sampler, metric=kept.metric, prune=bool(kept.prune), curve=kept.prune)
    asked, given = command_line.parse(PROG, "", flags, usual, options)
    changed = dataclasses.replace(given, jobs=options.jobs, resume=None)
    if dataclasses.replace(asked, trials=kept.trials) != usual or changed != options:
        raise ValueError("--resume: expected no flags but --trials and --jobs, received others")
    if asked.trials < kept.trials:
        raise ValueError(f"--trials: expected at least {kept.trials}, with which the study began, received {asked.trials}")
    tried = space.parse(kept.words, config)
    side_by_side.require_engine(options)
    opening.say(folder)
    # A job keeps its number of cores, which decides bits, also if there are more or fewer jobs now.
    cores = options.cores_per_job or side_by_side.threads(options).get("threads", 0)
    options = dataclasses.replace(options, jobs=given.jobs, cores_per_job=cores)
    return sweep.run(folder, experiment, kept._replace(trials=asked.trials), tried, options)


def _module(name: str) -> str:
    """The module or script of an experiment, which may be named as in the menu."""
    if name.endswith(".py"):
        return str(Path(name).resolve())
    if "." in name:
        return name
    known = {each.module.rpartition(".")[2]: each.module for each in [*menu.entries("experiments"), *menu.of_others()[0]]}
    if name not in known:
        expected = "one that `python -m experiments` lists"
        raise ValueError(f"experiment: expected {expected}, received {name!r}{validation.nearest(name, known)}")
    return known[name]
