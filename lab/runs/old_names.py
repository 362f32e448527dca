"""Settings that have a new name since an older version, so that its runs can still be resumed.

`run.json` keeps the names that a run was started with, and the digest of the run is computed over
them. Whoever builds a `Config` from a header, or compares with one, gives it the new names first.
"""

from typing import Any

# {experiment, or "*" for all of them: {old field: new field}}
SETTINGS: dict[str, dict[str, str]] = {
    "*": {},
    "dqn_cartpole": {"warm_up": "learning_starts"},
    "sac_pendulum": {"warm_up": "learning_starts"},
    "td3_pendulum": {"warm_up": "learning_starts"},
}


def renamed(header: dict[str, Any]) -> dict[str, Any]:
    """The header with the new names in its `config`. The values and their order stay.

    A name changes only if the new one is not in the configuration too.

    Args:
        header: of a run, or the content of its config.json; `config`, and `experiment` if known.
    """
    config = header["config"]
    names = SETTINGS["*"] | SETTINGS.get(header.get("experiment", ""), {})
    new = {old: name for old, name in names.items() if name not in config}
    return header | {"config": {new.get(field, field): value for field, value in config.items()}}
