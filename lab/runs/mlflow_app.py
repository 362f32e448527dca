"""MLflow's server with other initial choices in the browser. `python -m lab ui` starts it.

MLflow keeps a person's choices in the browser. Where there are none yet, the page begins with ours:

- the view "Model training", not the one for language models;
- no notice of usage data, and no usage data: the server's are off too;
- no panel of the assistant, which needs a language model.

Each choice can be changed in the UI and then stays as the person left it. The entry point
`mlflow.app` of this package names `create_app`.
"""

import json
from typing import Any

START = "/"
CHOICES = {  # keys of the browser's storage in MLflow 3
    "mlflow.workflowType_v1": "machine_learning",
    "mlflow.telemetry.info.alert.dismissed_v1": True,
    "mlflow.settings.telemetry.enabled_v1": False,
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": True,
}
SCRIPT = (
    "<script>for (const [key, value] of Object.entries(%s))"
    " if (localStorage.getItem(key) === null) localStorage.setItem(key, JSON.stringify(value));</script>"
)


def with_choices(page: str) -> str:
    """The page, with a script that stores our choices before those of MLflow run."""
    return page.replace("<head>", "<head>" + SCRIPT % json.dumps(CHOICES), 1)


def create_app() -> Any:
    """MLflow's own application, whose start page has our choices. MLflow calls this function."""
    from flask import request
    from mlflow.server import app
    from mlflow.server.fastapi_app import create_fastapi_app

    @app.before_request
    def send_whole() -> None:  # also to a browser that has kept MLflow's own page
        if request.path == START:
            request.environ.pop("HTTP_IF_NONE_MATCH", None)
            request.environ.pop("HTTP_IF_MODIFIED_SINCE", None)

    @app.after_request
    def choose(response: Any) -> Any:
        if request.path == START and response.status_code == 200:
            response.direct_passthrough = False
            response.set_data(with_choices(response.get_data(as_text=True)))
            response.headers["Cache-Control"] = "no-store"
        return response

    return create_fastapi_app(app)
