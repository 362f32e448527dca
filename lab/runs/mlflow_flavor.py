"""MLflow's Keras flavor, written from a file."""

import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any


class KerasFlavor:
    """Writes what `mlflow.keras.save_model` writes, but from a file.

    So Keras and its backend need not be imported, which would take 5 s.

    Args:
        file: the `.keras` file.
        backend: the name of the Keras backend on which it was saved.
        requirements: the pip requirements to load it.
    """

    def __init__(self, file: Path, backend: str, requirements: Sequence[str]) -> None:
        self.file = file
        self.backend = backend
        self.requirements = requirements

    def save_model(self, path: str, mlflow_model: Any) -> None:
        """Fills the folder `path`. MLflow calls this method.

        `mlflow.keras.load_model` and `mlflow.pyfunc.load_model` read the folder.
        """
        folder = Path(path)
        (folder / "data").mkdir(parents=True)
        shutil.copyfile(self.file, folder / "data" / "model.keras")
        (folder / "data" / "keras_module.txt").write_text("keras")
        (folder / "requirements.txt").write_text("\n".join([f"mlflow=={version('mlflow')}", *self.requirements]))
        environment = f"python: {python_version()}\nbuild_dependencies:\n- pip\ndependencies:\n- -r requirements.txt\n"
        (folder / "python_env.yaml").write_text(environment)
        options = {"data": "data", "keras_version": version("keras"), "keras_backend": self.backend}
        mlflow_model.add_flavor("keras", **options, save_exported_model=False)
        loader = {"loader_module": "mlflow.keras", "python_version": python_version()}
        mlflow_model.add_flavor("python_function", **loader, env={"virtualenv": "python_env.yaml"})
        mlflow_model.save(folder / "MLmodel")
