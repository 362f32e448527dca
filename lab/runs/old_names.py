"""Settings that are new or have a new name since an older version, so that its runs can be resumed.

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
    "tile_coding_mountaincar": {"decay": "trace_decay"},
}

# Supervised experiments and GANs that had no setting `precision`. Agents have none, and GANs of
# images had one before.
WITHOUT_PRECISION = (
    "adding_problem",
    "char_rnn_stdlib",
    "cifar10_resnet",
    "classifier_digits",
    "cnn_families_glyphs",
    "copy_memory",
    "detect_glyphs",
    "dnc_repeat_copy",
    "dnc_stories",
    "forecast_mackey_glass",
    "gan_grid",
    "gan_objectives_ring",
    "gan_ring",
    "infogan_digits",
    "length_generalisation",
    "look_inside_cnn",
    "mann_few_shot_glyphs",
    "ntm_associative_recall",
    "ntm_copy",
    "ntm_dynamic_ngrams",
    "ntm_priority_sort",
    "ntm_repeat_copy",
    "resnet_depth",
    "seq2seq_dates",
    "sequential_digits",
    "stacked_glyphs",
    "text_classifier_stdlib",
)

# {experiment, or "*" for all of them: {new field: the value that stands for what older runs did}}
ADDED: dict[str, dict[str, Any]] = {
    "*": {},
    "dqn_cartpole": {"num_envs": 1},
    "a2c_cartpole": {"normalize_advantage": False},
    "reinforce_cartpole": {"normalize_observations": False},
    **{name: {"precision": "float32"} for name in WITHOUT_PRECISION},
}


def renamed(header: dict[str, Any]) -> dict[str, Any]:
    """The header with the new names and the new fields in its `config`. The values stay.

    A name changes only if the new one is not in the configuration too.

    Args:
        header: of a run, or the content of its config.json; `config`, and `experiment` if known.
    """
    config, (names, added) = header["config"], _changes(header.get("experiment", ""))
    new = {old: name for old, name in names.items() if name not in config}
    return header | {"config": added | {new.get(field, field): value for field, value in config.items()}}


def original(experiment: str, config: dict[str, Any]) -> dict[str, Any]:
    """Settings under their first names, without new fields that stand for what older runs did.

    So a digest of settings stays the same when a field is renamed or added.
    """
    names, added = _changes(experiment)
    first = {new: old for old, new in names.items()}
    kept = {field: value for field, value in config.items() if field not in added or value != added[field]}
    return {first.get(field, field): value for field, value in kept.items()}


def _changes(experiment):
    """(names, new fields) of an experiment, with those of all experiments."""
    return SETTINGS["*"] | SETTINGS.get(experiment, {}), ADDED["*"] | ADDED.get(experiment, {})
