"""The MLflow experiment that holds the runs of one of ours."""

from collections.abc import Callable
from typing import Any

from lab.runs import description, mlflow_server
from lab.runs.paths import home


def find_or_make(client: Any, header: dict[str, Any], uri: str, active: Callable[[Any], str]) -> str:
    """The id of the experiment of a run. Makes it where there is none.

    It has a description and a kind. An experiment of an older version gets them too; what a person
    has written stays.

    Args:
        client: an `mlflow.MlflowClient`.
        header: of the run.
        uri: of the server, without its password.
        active: function, experiment -> its id. Restores an experiment that was deleted.
    """
    name, tags = header["experiment"], {description.KIND: description.TRAINING}
    if note := description.of_experiment(header):
        tags[description.NOTE] = note
    found = client.get_experiment_by_name(name)
    if found is not None:
        found_id = active(found)
        for key in tags.keys() - found.tags.keys():
            client.set_experiment_tag(found_id, key, tags[key])
        return found_id
    location = (home() / "mlruns" / "artifacts" / name).as_uri() if mlflow_server.store_path(uri) else None
    try:
        return client.create_experiment(name, artifact_location=location, tags=tags)
    except Exception:
        found = client.get_experiment_by_name(name)  # another process was faster, or the answer was lost
        if found is None:
            raise
        return found.experiment_id
