"""Agents in files: one zip archive without pickles, from which learning goes on exactly.

    agent.json             the algorithm, its settings, the environment, versions
    variables.safetensors  all state, in the order of `Agent.variables`
    arguments.safetensors  arguments of tabular learners that are arrays
    network.keras          a network of the user's own; critic.keras likewise

What is loaded cannot run code of the file: environments come from Gymnasium ids, and classes,
functions and wrappers are given again. Keras loads models with its safe mode.
"""

import contextlib
import importlib.metadata
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import safetensors.numpy

from lab import __version__
from lab.agents.own import callable_only
from lab.agents.spaces import one_line
from lab.engine import private
from lab.errors import DamagedFile
from lab.runs.paths import replacing

if TYPE_CHECKING:
    from lab.agents.agent import Agent

FORMAT = 1
ARRAYS = "arguments.safetensors"
OWN = ("network", "critic")
PLACE = ("num_envs", "vectorization", "action_mask")  # arguments that say how the environments are made


def networks(algorithm: Any) -> list[keras.Model]:
    """The networks of an algorithm that learn: actor and critics, or one model."""
    critics = list(algorithm.critics.online) if hasattr(algorithm, "critics") else []
    return [model for model in (getattr(algorithm, "model", None), *critics) if model is not None]


def save(agent: Any, path: Any, *, replay: bool) -> None:
    """See `lab.agents.Agent.save`."""
    if not Path(path).parent.is_dir():
        raise FileNotFoundError(f"{path}: expected a folder that exists, received {Path(path).parent}.")
    content = describe(agent, replay)
    left_out = set() if replay else _identities(agent)
    tensors = {
        f"{position:04d} {variable.path}": np.array(variable, order="C")
        for position, variable in enumerate(agent.variables)
        if id(variable) not in left_out
    }
    with replacing(Path(path)) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("agent.json", json.dumps(content, indent=1))
        archive.writestr("variables.safetensors", safetensors.numpy.save(tensors))
        if agent.recipe.get("arrays"):
            archive.writestr(ARRAYS, safetensors.numpy.save(agent.recipe["arrays"]))
        own = agent.recipe.get("own")
        for name in OWN:
            model = getattr(own, name, None)
            if isinstance(model, keras.Model):
                archive.writestr(f"{name}.keras", _model_bytes(model))


def describe(agent: Any, replay: bool = True) -> dict[str, Any]:
    """What agent.json says."""
    own, source = agent.recipe.get("own"), agent.source
    given = {name: _kind(getattr(own, name, None)) for name in (*OWN, "optimizer", "epsilon")}
    if isinstance(getattr(own, "optimizer", None), keras.optimizers.Optimizer):
        given["optimizer"] = keras.optimizers.serialize(own.optimizer)
    elif isinstance(getattr(own, "optimizer", None), str):
        given["optimizer"] = own.optimizer
    if isinstance(getattr(own, "epsilon", None), int | float):
        given["epsilon"] = own.epsilon
    given |= dict.fromkeys(agent.recipe.get("functions", ()), "function")
    packages = ("keras", "tensorflow", "jax", "gymnasium", "numpy")
    return {
        "format": FORMAT,
        "algorithm": agent.name,
        "settings": agent.recipe["settings"],
        "own": given,
        "seed": agent.seed,
        "step": agent.step,
        "replay": replay,
        "rates": [rate.last if rate.is_ours else None for rate in agent.rates],
        "environment": {
            "id": source.environment if isinstance(source.environment, str) else None,
            "name": source.name,
            "options": source.options if _is_json(source.options) else None,
            "wrappers": len(source.wrappers),
            **source.arguments,
            "observations": one_line(source.observations),
            "actions": one_line(source.actions),
        },
        "versions": {"keras-rl-gan-lab": __version__, "backend": keras.backend.backend()} | _versions(packages),
    }


def load(path: Any, *, algorithm: Any = None, environment: Any = None, **arguments: Any) -> "Agent":
    """An agent from a file that `Agent.save` wrote. Then `fit` goes on as if nothing had been.

    Args:
        path: of the file.
        algorithm: the class that it must be; by default whichever it is.
        environment: needed where the agent was made with a class, a function or an environment. A
            file cannot hold these. It must have the same spaces.
        **arguments: of `lab.agents.for_env`, where the file cannot hold what was given there:
            functions as networks, wrappers, options that are no JSON, epsilon as a function. Also
            `num_envs` and `vectorization`, where no state depends on them.

    Raises:
        DamagedFile: it is not such a file, or a part of it is damaged.
        ValueError: it is of another version, of another algorithm, or for other spaces.
    """
    path = Path(path)
    with _opened(path) as archive:
        content = _content(path, archive)
        kind = _kind_of(content["algorithm"])
        if kind is None:
            raise DamagedFile(path, "an algorithm of lab.agents", repr(content["algorithm"]))
        if algorithm is not None and kind is not algorithm:
            raise ValueError(f"{path}: expected an agent of {algorithm.__name__}, received one of {kind.__name__}.")
        tensors = safetensors.numpy.load(archive.read("variables.safetensors"))
        given = _arguments(path, content, environment, arguments, archive)
    try:
        agent = kind.for_env(**given)
    except ValueError as error:
        if environment is None or not str(error).startswith(("environment:", "network:", "critic:")):
            raise
        saved = content["environment"]
        expected = f"an environment with observations {saved['observations']} and actions {saved['actions']}"
        raise ValueError(f"{path}: expected {expected}, received another: {error}") from error
    _require_spaces(path, content["environment"], agent.source)
    _assign(path, agent, tensors, content)
    agent.step = content["step"]
    for rate, last in zip(agent.rates, content["rates"], strict=False):
        rate.last = float("nan") if last is None else last
    agent.refresh()
    return agent


def _kind_of(name):
    """The class of an algorithm, deep or tabular; None if a file cannot have it."""
    from lab.agents import tabular
    from lab.agents.building import BUILDERS

    found = {kind.__name__: kind for kind in BUILDERS}
    kind = found.get(name) or getattr(tabular, str(name), None)
    return kind if hasattr(kind, "for_env") else None


def _arguments(path, content, environment, arguments, archive):
    """The arguments of `for_env`: those of the file, and those that are given again."""
    place, own = content["environment"], content["own"]
    if environment is None and place["id"] is None:
        raise ValueError(
            f"{path}: expected environment=..., because the agent was made for {place['name']}, no Gymnasium id, received none."
        )
    for name, lost in (("wrappers", place["wrappers"]), ("environment_options", place["options"] is None)):
        if lost and name not in arguments and environment is None:
            raise ValueError(f"{path}: expected {name}=..., which a file cannot hold, received none.")
    found: dict[str, Any] = {
        "environment": place["id"] if environment is None else environment,
        "seed": content["seed"],
    }
    found |= {name: place[name] for name in PLACE if name in place}
    if place["options"]:
        found["environment_options"] = place["options"]
    if ARRAYS in archive.namelist():
        found |= safetensors.numpy.load(archive.read(ARRAYS))
    for name, kind in own.items():
        if kind is None or name in arguments:
            continue
        if kind == "function":
            raise ValueError(f"{path}: expected {name}=..., a function, which a file cannot hold, received none.")
        found[name] = _loaded(path, name, kind, archive)
    return found | content["settings"] | arguments


def _loaded(path, name, kind, archive):
    if name in OWN:
        with tempfile.TemporaryDirectory() as folder:
            archive.extract(f"{name}.keras", folder)
            try:
                return keras.models.load_model(os.path.join(folder, f"{name}.keras"), compile=False)
            except Exception as error:
                message = (str(error).strip() or type(error).__name__).splitlines()[0]
                raise ValueError(
                    f"{path}: expected {name}=..., because Keras cannot load the saved one, received none: {message}"
                ) from error
    return keras.optimizers.deserialize(kind) if name == "optimizer" and isinstance(kind, dict) else kind


@contextlib.contextmanager
def _opened(path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
            if broken:
                raise DamagedFile(path, f"{broken} as it was written", "another content")
            yield archive
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, safetensors.SafetensorError) as error:
        message = str(error).strip().strip("'\"") or type(error).__name__
        raise DamagedFile(path, "a file that Agent.save wrote", message) from error


def _content(path, archive):
    try:
        content = json.loads(archive.read("agent.json"))
        version = content["format"]
    except (ValueError, TypeError, KeyError) as error:
        raise DamagedFile(path, "a file that Agent.save wrote", "one without a readable agent.json") from error
    if version != FORMAT:
        raise ValueError(
            f"{path}: expected a file of format {FORMAT}, received format {version}; "
            f"it was written by keras-rl-gan-lab {content.get('versions', {}).get('keras-rl-gan-lab', 'of another version')}."
        )
    return content


def _require_spaces(path, saved, source):
    for name, space in (("observations", source.observations), ("actions", source.actions)):
        if one_line(space) != saved[name]:
            raise ValueError(f"{path}: expected an environment with {name} {saved[name]}, received {one_line(space)}.")


def _assign(path, agent, tensors, content):
    by_position = {int(name.split(" ", 1)[0]): tensor for name, tensor in tensors.items()}
    left_out = set() if content["replay"] else _identities(agent)
    wanted = {position: variable for position, variable in enumerate(agent.variables) if id(variable) not in left_out}
    if by_position.keys() != wanted.keys():
        raise ValueError(f"{path}: expected {len(wanted)} variables of {agent!r}, received {len(by_position)}.")
    for position, variable in wanted.items():
        if tuple(by_position[position].shape) != tuple(variable.shape):
            received = list(by_position[position].shape)
            raise ValueError(f"{path}: expected {variable.path} of shape {list(variable.shape)}, received {received}.")
    for position, variable in wanted.items():
        variable.assign(by_position[position])


def _identities(agent):
    replay = getattr(agent.algorithm, "replay", None)
    return {id(variable) for variable in replay.variables} if replay else set()


def _model_bytes(model):
    with tempfile.TemporaryDirectory() as folder:
        place = os.path.join(folder, "model.keras")
        with private.without_tensorflow():
            model.save(place)
        return Path(place).read_bytes()


def _kind(value):
    if value is None:
        return None
    return "function" if callable_only(value) else "saved"


def _is_json(value):
    try:
        return json.loads(json.dumps(value)) == value
    except TypeError:
        return False


def _versions(packages):
    found = {}
    for name in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found
