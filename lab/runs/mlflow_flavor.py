"""MLflow's Keras flavor, written from a file."""

import shutil
from importlib.metadata import version
from pathlib import Path
from platform import python_version


class KerasFlavor:
    """Writes what `mlflow.keras.save_model` writes, from a saved model: keras and its backend, 5 s of imports, are not needed.

    Args:
        file: the `.keras` file.
        backend: name of the Keras backend it was saved on.
        requirements: pip requirements of whoever loads it.
    """

    def __init__(self, file, backend, requirements):
        self.file = file
        self.backend = backend
        self.requirements = requirements

    def save_model(self, path, mlflow_model):
        """Fills the folder; MLflow calls this. `mlflow.keras.load_model` and `mlflow.pyfunc.load_model` read it."""
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
