"""Runs to compare that are on an MLflow server and not on this disk.

Every metric is a possible result: its last value. Settings are text. The wall time is that from the
start of a run to its end, pauses included.
"""

import re
from collections.abc import Callable
from typing import Any

from lab.runs import mlflow_server
from lab.runs.compared_runs import SINGLE, OneRun
from lab.runs.curves import PROBLEM
from lab.runs.description import NOTE
from lab.runs.mlflow_delivery import PARENT

PROMISE = re.compile(r"Expected with the default settings: `([^`]+)`")
PAGE = 1_000  # runs in one answer of a server


def find(text: str, uri: str) -> tuple[list[OneRun], list[str]]:
    """(runs, notes) of an MLflow run id, or of an experiment on a server.

    Raises:
        ValueError: the server has neither, or cannot be reached.
    """
    uri = mlflow_server.resolve_uri(uri)
    expected = f"compare: expected a run or an experiment on this disk or on {uri}, received {text!r}"
    if uri == mlflow_server.NONE:
        raise ValueError(expected.replace(" or on none", ""))
    path = mlflow_server.store_path(uri)
    if path and not path.exists():  # MLflow would make it
        raise ValueError(f"{expected}: there is no store {path}")
    try:
        client = mlflow_server.client(uri)
        found = _runs(client, text)
    except Exception as error:  # each kind of server fails in its own way
        raise ValueError(f"{expected}: {mlflow_server.explain(error)}") from error
    if not found:
        raise ValueError(expected)
    return [_read(client, run) for run in found], []


def _runs(client, text):
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(text)
    except MlflowException:
        experiment = client.get_experiment_by_name(text)
        if experiment is None:
            return []
        runs = _all(client, experiment.experiment_id, "")
        runs = [run for run in runs if run.data.tags.get("smoke") != "true"] or runs
        parents = [run for run in runs if run.data.tags.get("kind") == "parent"]
        if not parents:
            return [run for run in runs if run.data.tags.get("kind") in SINGLE]
        run = parents[-1]
    return _all(client, run.info.experiment_id, f"tags.`{PARENT}` = '{run.info.run_id}'") or [run]


def _all(client, experiment, condition):
    """The runs of an experiment, oldest first, that fulfil a condition."""
    found: list[Any] = []
    token = None
    while token != "":
        page = client.search_runs([experiment], condition, max_results=PAGE, order_by=["start_time ASC"], page_token=token)
        found += page
        token = page.token or ""
    return found


def _read(client: Any, run: Any) -> OneRun:
    tags, params, info = run.data.tags, run.data.params, run.info
    promise = PROMISE.search(tags.get(NOTE, ""))
    changed = any(f"--{name.replace('_', '-')} " in tags.get(NOTE, "") for name in PROBLEM)
    more = [word for name in PROBLEM[1:] for word in re.findall(r"'([^']+)'", params.get(name, ""))]
    return OneRun(
        tags.get("lab.run", info.run_id),
        " ".join([tags.get("task", client.get_experiment(info.experiment_id).name), *more]),
        int(params.get("seed", 0)),
        {name: value for name, value in params.items() if name not in ("seed", "backend")},
        promise[1] if promise and not changed else "",
        info.status,
        run.data.metrics if info.status == "FINISHED" else {},
        (info.end_time - info.start_time) / 1000 if info.end_time else float("nan"),
        _history(client, run),
        tags.get("kind") == "variant",
    )


def _history(client: Any, run: Any) -> Callable:
    def metrics(*names):
        there = [name for name in names or run.data.metrics if name in run.data.metrics]
        points = {name: client.get_metric_history(run.info.run_id, name) for name in there}
        return {name: sorted((point.step, point.value) for point in each) for name, each in points.items()}

    return metrics
