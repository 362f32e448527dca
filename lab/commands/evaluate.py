"""`python -m lab evaluate`: plays greedy episodes with the policy of a run or of a saved agent."""

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from lab import validation
from lab.commands import shared
from lab.runs import command_line


@dataclass(frozen=True)
class Evaluate:
    """The flags of `evaluate`."""

    episodes: Annotated[int, validation.Interval(1, 10**6)] = 100
    """Greedy episodes, in fresh environments."""
    environment: str = ""
    """Gymnasium id. The default is that of the run."""
    policy: Literal["best", "last"] | None = None
    """Of runs with check_episodes: the best policy in the checks, or the last one. The default is
    the one that the run logged as its model."""
    seed: Annotated[int, validation.Interval(0, 2**32 - 1)] = 0
    """Seed of the environments, and of the random policy."""
    json: bool = False
    """Print JSON, with the return of each episode."""
    tracking_uri: str | None = None
    """The server that has the run, if it is not on this disk. RUN is then its MLflow run id."""

    def __post_init__(self) -> None:
        validation.check_fields(self)


def main(argv: Sequence[str]) -> int:
    """Plays greedy episodes and prints their returns."""
    run, rest = shared.run_id("evaluate", argv)
    (flags,) = command_line.parse("python -m lab evaluate RUN", "Plays greedy episodes of a run.", rest, Evaluate())
    agent, name, own = _saved(run, flags) if shared.is_saved_agent(run) else _of_run(run, flags)
    from lab.agents.agent import Agent
    from lab.agents.frozen import RandomPolicy

    chance = Agent(RandomPolicy(agent.source, flags.seed), None, agent.source, {}, seed=flags.seed, testing=flags.seed)
    greedy, at_random = (each.evaluate(flags.episodes, seed=flags.seed) for each in (agent, chance))
    found = {"run": name, "environment": agent.source.name, "policy": flags.policy, "seed": flags.seed}
    found |= _numbers(greedy) | {"random": _numbers(at_random), "own": own}
    print(json.dumps(found, indent=2) if flags.json else "\n".join(_lines(found)))
    return 0


def _of_run(run, flags):
    """(the policy of a run as an agent, name of the run, its own result)."""
    name, model, settings = shared.model(run, flags.tracking_uri, flags.policy)
    refusal = (
        f"run id: expected a run of an agent, with the setting environment, received {name}; "
        "samples of a GAN: python -m lab sample; the scores of a network are its results, in metrics.csv"
    )
    environment = shared.environment_of(flags.environment, settings, refusal, sys.stderr if flags.json else None)
    from lab.agents.frozen import frozen_agent

    agent = frozen_agent(model, environment, settings, seed=flags.seed)
    results = shared.results(run, flags.tracking_uri) if environment == settings.get("environment") else {}
    key = "last_greedy_return" if flags.policy == "last" and "last_greedy_return" in results else "greedy_return"
    return agent, name, {"name": key, "value": results[key]} if key in results else None


def _saved(path, flags):
    """(a saved agent, its path, None)."""
    return shared.saved_agent(path, flags, flags.environment or None), path, None


def _numbers(returns: Any) -> dict[str, Any]:
    """What is said of the returns of episodes. The interval of one episode is unknown."""
    half = returns.interval if math.isfinite(returns.interval) else None
    ends = None if half is None else [returns.mean - half, returns.mean + half]
    every = [float(each) for each in returns.returns]
    numbers = {"mean": returns.mean, "interval": ends, "minimum": min(every), "maximum": max(every)}
    return {"episodes": len(every)} | numbers | {"returns": every}


def _lines(found):
    which = f"{found['policy']} policy, " if found["policy"] else ""
    rows = (("greedy", found, which), ("random", found["random"], "the same environments, "))
    for name, numbers, note in rows:
        half = "" if numbers["interval"] is None else f" ± {(numbers['interval'][1] - numbers['interval'][0]) / 2:.2g}"
        ends = f"minimum {numbers['minimum']:.4g}, maximum {numbers['maximum']:.4g}"
        yield f"{name} return {numbers['mean']:.4g}{half}   {ends}   ({note}{numbers['episodes']} episodes)"
    if found["own"]:
        own, interval = found["own"], found["interval"]
        inside = interval and interval[0] <= own["value"] <= interval[1]
        where = "" if interval is None else f", {'inside' if inside else 'outside'} the interval"
        yield f"the run's own {own['name']} {own['value']:.4g}: a difference of {found['mean'] - own['value']:+.4g}{where}"
    yield f"± is half of the mean's 95 % interval; {found['environment']}, seed {found['seed']}"
