"""Faults of one line, each of which some test has to notice.

python -m tests.mutations [--only N ...] [--jobs N]

Each is planted in a copy of the checkout, where the test files that it names are run. A fault is
killed where one of their tests fails. It survives where all pass: then a test is missing. Where the
old text no longer stands once in its file, the list has to be brought up to date.
"""

import argparse
import os
import queue
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.__main__ import CACHE, QUICK, ROOT

LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".cache", ".*_cache", ".hypothesis", "mlruns", "build")
PATIENCE = 600  # seconds; a fault that makes a test hang is noticed as well


class Mutation(NamedTuple):
    """`old` stands once in `file`. With `new` in its place one of `tests` must fail.

    "jax:" before a test file runs it on JAX.
    """

    file: str
    old: str
    new: str
    tests: list[str]


MUTATIONS = [
    Mutation(*each)
    for each in [
        # engine
        (
            "lab/engine/tensorflow.py",
            "return functools.reduce(tf.add, gradients)",
            "return gradients[0]",
            ["tests/engine/test_gradient.py", "tests/engine/test_engine.py"],
        ),
        (
            "lab/engine/tensorflow.py",
            "variance * (count - 1) / count",
            "variance",
            ["tests/layers/test_batch_normalization.py"],
        ),
        ("lab/engine/jax.py", "values[position].copy()", "values[position]", ["jax:tests/engine/test_engine.py"]),
        (
            "lab/engine/scope.py",
            "if self._strict and not declared:",
            "if self._strict and declared is None:",
            ["tests/engine/test_engine.py"],
        ),
        # layers
        (
            "lab/layers/spectral_normalization.py",
            "u = self._unit(ops.matmul(v, matrix))",
            "u = ops.matmul(v, matrix)",
            ["tests/layers/test_spectral_normalization.py"],
        ),
        (
            "lab/layers/resettable_rnn.py",
            "ops.where(start, ops.zeros_like(state), state)",
            "state",
            ["tests/layers/test_resettable_rnn.py"],
        ),
        (
            "lab/layers/running_normalization.py",
            " + ops.square(difference) * self.count * new / total",
            "",
            ["tests/layers/test_values.py"],
        ),
        (
            "lab/layers/recurrent_cells.py",
            "h = (1 - z) * h + z * g",
            "h = z * h + (1 - z) * g",
            ["tests/layers/test_recurrent_cells.py"],
        ),
        ("lab/layers/gsde_head.py", "ops.stop_gradient(inputs)", "inputs", ["tests/agents/test_policies.py"]),
        # losses
        ("lab/losses/penalties.py", "u * real + (1.0 - u) * fake", "real", ["tests/losses/test_adversarial.py"]),
        (
            "lab/losses/penalties.py",
            "ops.mean(ops.stop_gradient(lengths))",
            "ops.mean(lengths)",
            ["tests/losses/test_adversarial.py"],
        ),
        (
            "lab/losses/reinforcement.py",
            "best = ops.argmax(online_next, axis=-1)\n",
            "best = ops.argmax(target_next, axis=-1)\n",
            ["tests/losses/test_reinforcement.py"],
        ),
        (
            "lab/losses/reinforcement.py",
            "ops.clip(ratio, 1.0 - clip, 1.0 + clip)",
            "ops.clip(ratio, 0.0, 1.0 + clip)",
            ["tests/losses/test_reinforcement.py"],
        ),
        # optimizers
        ("lab/optimizers/adam.py", "return eta * root / first,", "return eta * root,", ["tests/optimizers/test_rules.py"]),
        (
            "lab/optimizers/optimistic_adam.py",
            "theta - 2 * eta * now + eta * direction",
            "theta - eta * now",
            ["tests/optimizers/test_rules.py"],
        ),
        ("lab/optimizers/lookahead.py", "theta.assign(choose(due, phi, theta))", "pass", ["tests/optimizers/test_wrappers.py"]),
        ("lab/optimizers/sam.py", "variable.assign_add(", "variable.assign_sub(", ["tests/optimizers/test_wrappers.py"]),
        # distributions
        (
            "lab/distributions/tanh_normal.py",
            "self.normal.log_prob(x) - _log_slope(x)",
            "self.normal.log_prob(x)",
            ["tests/test_distributions.py"],
        ),
        (
            "lab/distributions/categorical.py",
            "ops.argmax(ops.cast(self.logits, gumbel.dtype) + gumbel, axis=-1)",
            "ops.argmax(ops.cast(self.logits, gumbel.dtype) - gumbel, axis=-1)",
            ["tests/test_distributions.py"],
        ),
        # models
        ("lab/models/average.py", "1 / (1 + share * ops.cast(", "1 / (2 + share * ops.cast(", ["tests/models/test_average.py"]),
        (
            "lab/models/mlp.py",
            "seed=next(seeds)),\n                bias",
            "seed=None),\n                bias",
            ["tests/models/test_mlp.py"],
        ),
        (
            "lab/models/resnet.py",
            "strides = 2 if stage and not i else 1",
            "strides = 2 if not i else 1",
            ["tests/models/test_classifiers.py"],
        ),
        # data
        (
            "lab/data/sequences.py",
            "x[:, length + delay - 1] = symbols + 1",
            "x[:, length + delay] = symbols + 1",
            ["tests/data/test_sequences.py"],
        ),
        ("lab/data/text.py", "cut(numbers[1:])", "cut(numbers[:-1])", ["tests/data/test_text.py"]),
        # metrics
        ("lab/metrics/features.py", "- 2 * overlap", "- overlap", ["tests/metrics/test_features.py"]),
        ("lab/metrics/training.py", "self.bins - 1)", "self.bins)", ["tests/metrics/test_training.py"]),
        # agents
        (
            "lab/agents/returns.py",
            '[:-1], ops.ones_like(cut[:1], dtype="bool")])\n    weight',
            '[:-1], ops.cast(cut, "bool")[-1:]])\n    weight',
            ["tests/agents/test_returns.py"],
        ),
        ("lab/agents/dqn.py", '(1.0 - ops.cast(batch.terminated, "float32"))', "1.0", ["tests/agents/test_dqn.py"]),
        (
            "lab/agents/replay.py",
            "ops.minimum(self.added.value, self.capacity)",
            "self.capacity",
            ["tests/agents/test_replay.py"],
        ),
        ("lab/agents/rollout.py", "next_observation[i] = last", "pass", ["tests/agents/test_rollout.py"]),
        (
            "lab/agents/rollout.py",
            "truncated = length >= self.max_episode_steps",
            "truncated = length > self.max_episode_steps",
            ["tests/agents/test_rollout.py"],
        ),
        ("lab/agents/a2c.py", "- entropy_weight * entropy", "+ entropy_weight * entropy", ["tests/agents/test_a2c.py"]),
        (
            "lab/agents/building.py",
            "config.clip if config.clip_end is None else",
            "0.0 if config.clip_end is None else",
            ["tests/agents/test_building.py"],
        ),
        ("lab/agents/ppo.py", "ops.maximum(error, ops.square(", "ops.minimum(error, ops.square(", ["tests/agents/test_ppo.py"]),
        ("lab/agents/reinforce.py", "ops.flip(ended, 0)", "ended", ["tests/agents/test_reinforce.py"]),
        (
            "lab/agents/critics.py",
            "smallest = ops.minimum(smallest, value)",
            "smallest = ops.maximum(smallest, value)",
            ["tests/agents/test_sac.py"],
        ),
        ("lab/agents/td3.py", "ops.clip(action + noise, -1.0, 1.0)", "action + noise", ["tests/agents/test_td3.py"]),
        (
            "lab/agents/networks.py",
            "after = ops.concatenate([before[1:], last.value[None]])",
            "after = before",
            ["tests/agents/test_recurrent_ppo.py"],
        ),
        # agents/tabular
        (
            "lab/agents/tabular/n_step_sarsa.py",
            "for reward in reversed(rewards):",
            "for reward in rewards:",
            ["tests/agents/tabular/test_learners.py"],
        ),
        (
            "lab/agents/tabular/monte_carlo.py",
            "weight /= self._behaviour[t]",
            "pass",
            ["tests/agents/tabular/test_learners.py"],
        ),
        (
            "lab/agents/tabular/bellman.py",
            "factor * (high - low) / 2",
            "factor * (high - low) / 4",
            ["tests/agents/tabular/test_dynamic_programming.py"],
        ),
        # gan
        (
            "lab/gan/update.py",
            "ops.clip(variable, -gan.clip, gan.clip)",
            "ops.clip(variable, -gan.clip, 1.0)",
            ["tests/gan/test_gan.py"],
        ),
        ("lab/gan/update.py", "gan.penalty_interval * penalty.at(", "penalty.at(", ["tests/gan/test_penalties.py"]),
        ("lab/gan/loop.py", "default_rng([seed, epoch])", "default_rng(seed)", ["tests/gan/test_loop.py"]),
        ("lab/gan/diff_augment.py", "axis=(1, 2, 3), keepdims=True", "keepdims=True", ["tests/gan/test_diff_augment.py"]),
        # supervised
        (
            "lab/supervised/examples.py",
            "default_rng([0, self.seed, epoch])",
            "default_rng([0, self.seed])",
            ["tests/supervised/test_examples.py"],
        ),
        ("lab/supervised/early_stopping.py", "self.waited.assign(0)", "pass", ["tests/supervised/test_training.py"]),
        ("lab/supervised/optimization.py", "if len(each.shape) < 2 or", "if", ["tests/supervised/test_training.py"]),
        # networks with a memory
        ("lab/layers/addressing.py", "keys = keys * masks", "keys = keys", ["tests/layers/test_addressing.py"]),
        (
            "lab/layers/addressing.py",
            "moves = range(-reach, reach + 1)",
            "moves = range(reach, -reach - 1, -1)",
            ["tests/layers/test_addressing.py"],
        ),
        (
            "lab/layers/addressing.py",
            "slots[None, :] < slots[:, None]",
            "slots[None, :] > slots[:, None]",
            ["tests/layers/test_addressing.py"],
        ),
        ("lab/layers/addressing.py", "return others * (", "return (", ["tests/layers/test_addressing.py"]),
        (
            "lab/layers/memory_cell.py",
            "state - starts[name] if name in starts else state",
            "state",
            ["tests/layers/test_memory_cells.py"],
        ),
        (
            "lab/layers/dnc_cell.py",
            "memory = memory * retained[..., None]",
            "memory = memory",
            ["tests/layers/test_memory_cells.py"],
        ),
        (
            "lab/layers/dnc_cell.py",
            "modes[:, :, 0] * backward",
            "modes[:, :, 0] * forward",
            ["tests/layers/test_memory_cells.py"],
        ),
        ("lab/layers/lrua_cell.py", "memory * kept", "memory", ["tests/layers/test_memory_cells.py"]),
        (
            "lab/layers/memory_cell.py",
            'ops.cast(state, "float32")',
            "ops.cast(state, self.compute_dtype)",
            ["tests/layers/test_memory_cells.py"],
        ),
        (
            "lab/layers/causal_self_attention.py",
            "steps[:, None] >= steps[None, :]",
            "steps[:, None] <= steps[None, :]",
            ["tests/layers/test_causal_self_attention.py"],
        ),
        ("lab/losses/masked.py", "return total / (y.shape[-1] *", "return total / (", ["tests/losses/test_masked.py"]),
        (
            "lab/data/ngrams.py",
            "(ones + 0.5) / (zeros + ones + 1)",
            "(ones + 1) / (zeros + ones + 2)",
            ["tests/data/test_memory_tasks.py"],
        ),
        (
            "lab/supervised/examples.py",
            "self.x, self.y = self.draw(epoch)",
            "self.x, self.y = self.draw(0)",
            ["tests/supervised/test_drawn_examples.py"],
        ),
        # visualize
        ("lab/visualize/grad_cam.py", "heat = ops.relu(", "heat = ops.abs(", ["tests/visualize/test_saliency.py"]),
        ("lab/visualize/activation_maximization.py", "ops.tanh(x.value)", "x.value", ["tests/visualize/test_saliency.py"]),
        # runs
        ("lab/runs/checkpoint.py", "durable=True", "durable=False", ["tests/runs/test_checkpoint.py"]),
        ("lab/runs/checkpoint.py", "sha.update(tensor.tobytes())", "pass", ["tests/runs/test_checkpoint.py"]),
        (
            "lab/runs/paths.py",
            "        os.replace(beside, path)",
            "        path.unlink(missing_ok=True), os.replace(beside, path)",
            ["tests/runs/test_files.py"],
        ),
        (
            "lab/runs/journal.py",
            "        self._file.truncate(end)",
            "        self._file.truncate(self._file.seek(0, 2))",
            ["tests/runs/test_run_folder.py"],
        ),
        ("lab/runs/track.py", "            self._journal.sync()\n", "", ["tests/runs/test_lifecycle.py"]),
        ("lab/runs/mlflow_delivery.py", "        self.folder.sync()  #", "        #", ["tests/runs/test_mlflow_delivery.py"]),
        (
            "lab/runs/statistics.py",
            "cut = ordered.shape[-1] // 4",
            "cut = round(ordered.shape[-1] / 4)",
            ["tests/runs/test_statistics.py"],
        ),
        ("lab/runs/statistics.py", "0.5 * np.sum(x == y", "np.sum(x == y", ["tests/runs/test_statistics.py"]),
        (
            "lab/runs/compared_scores.py",
            "each.task == run.task and each not in lost",
            "each not in lost",
            ["tests/runs/test_compare.py"],
        ),
        ("lab/runs/comparison.py", "value >= threshold", "value > threshold", ["tests/runs/test_compare.py"]),
        (
            "lab/runs/compared_runs.py",
            "total += last - began if began is not None else 0\n            began",
            "began",
            ["tests/runs/test_compare.py"],
        ),
        # envs
        ("envs/cartpole.py", "* cos / total", "/ total", ["tests/envs/test_classic_control.py"]),
        (
            "envs/functional.py",
            "following = self._replace(ended, self._env.initial(self._rng), following)",
            "pass",
            ["tests/envs/test_classic_control.py"],
        ),
        # experiments
        (
            "experiments/common/deep_agents.py",
            "report.metrics | checked",
            "report.metrics",
            ["tests/experiments/test_deep_agents.py::test_several_choices_at_once"],
        ),
        (
            "experiments/common/gan.py",
            'logs | {"images_per_second"',
            '{"images_per_second"',
            ["tests/experiments/test_gans.py::test_every_field_changes_something[gan_ring-samples]"],
        ),
        (
            "experiments/common/supervised.py",
            'key.replace("val_", "validation_")',
            "key",
            ["tests/experiments/test_supervised.py::test_the_rate_is_that_of_training_alone"],
        ),
        # the face of agents
        (
            "lab/agents/fitting.py",
            "agent.horizon.steps.assign(float(horizon or total))",
            "pass",
            ["tests/agents/test_agent.py"],
        ),
        (
            "lab/agents/fitting.py",
            "            selection.end()",
            "            selection.environments.close()",
            ["tests/agents/test_agent.py"],
        ),
        (
            "lab/agents/fitting.py",
            'agent.step = max(agent.step, int(getattr(algorithm, "steps", 0)))',
            "pass",
            ["tests/agents/test_agent.py"],
        ),
        (
            "lab/agents/fitting.py",
            "values[:0] = [math.nan]",
            "values[len(values):] = [math.nan]",
            ["tests/agents/test_agent.py"],
        ),
        (
            "lab/agents/schedules.py",
            "        if self.is_ours:",
            "        if True:",
            ["tests/agents/test_agent.py"],
        ),
        (
            "lab/agents/schedules.py",
            "return end + (start - end) * left**power",
            "return end + (start - end) * left",
            ["tests/agents/test_agent.py"],
        ),
        (
            "lab/agents/schedules.py",
            'keras.ops.cast(step, "float32") / self.steps.value, 1.0)',
            'keras.ops.cast(step, "float32") / self.steps.value, 9.0)',
            ["tests/agents/test_agent.py"],
        ),
        (
            "lab/agents/training.py",
            "if learn else learning_starts - step",
            "if learn else learning_starts",
            ["tests/agents/test_agent.py"],
        ),
        (
            "lab/agents/agent.py",
            "self._policy, self._memory = None, ()",
            "self._memory = ()",
            ["tests/agents/test_agent.py"],
        ),
        (
            "lab/agents/agent.py",
            "stats.t.ppf(0.975, episodes - 1)",
            "1.96",
            ["tests/agents/test_agent.py"],
        ),
        (
            "lab/agents/agent.py",
            "        if state is None:\n            self._memory = memory",
            "        self._memory = memory",
            ["tests/agents/test_agent.py"],
        ),
        (
            "lab/agents/own.py",
            "random.seed(int(",
            "(int(",
            ["tests/agents/test_agent.py"],
        ),
        (
            "lab/agents/source.py",
            "                make.first()",
            "                pass",
            ["tests/agents/test_agent.py"],
        ),
        (
            "lab/agents/agent_file.py",
            'rate.last = float("nan") if last is None else last',
            "pass",
            ["tests/agents/test_agent_file.py"],
        ),
        (
            "lab/agents/agent_file.py",
            "if id(variable) not in left_out\n    }",
            "\n    }",
            ["tests/agents/test_agent_file.py"],
        ),
        (
            "lab/agents/callbacks.py",
            "exact = True",
            "exact = False",
            ["tests/agents/test_agent_file.py"],
        ),
        (
            "lab/agents/parts.py",
            "self.sizes, required=not terminated)",
            "self.sizes, required=False)",
            ["tests/agents/test_masks.py"],
        ),
        (
            "lab/agents/dqn.py",
            "observation[:, -self._mask :] > 0 if self._mask else None",
            "None",
            ["tests/agents/test_masks.py"],
        ),
        (
            "lab/agents/inputs.py",
            "results = [inputs.masked(first, observation) if scores else first, *rest]",
            "results = [first, *rest]",
            ["tests/agents/test_masks.py"],
        ),
        (
            "lab/agents/device.py",
            'return ops.concatenate([flat, ops.cast(mask, "float32")], axis=1)',
            'return ops.concatenate([flat, ops.ones_like(ops.cast(mask, "float32"))], axis=1)',
            ["tests/agents/test_masks.py"],
        ),
        (
            "lab/layers/masked_actions.py",
            "ops.where(mask > 0, scores,",
            "ops.where(mask > -1, scores,",
            ["tests/agents/test_masks.py"],
        ),
        (
            "lab/agents/exploration.py",
            "ops.where(allowed, draws, -1.0)",
            "draws",
            ["tests/agents/test_masks.py"],
        ),
        (
            "lab/agents/exploration.py",
            "np.where(allowed, generator.random(values.shape), -1.0)",
            "generator.random(values.shape)",
            ["tests/agents/test_masks.py"],
        ),
        (
            "lab/agents/exporting.py",
            "ops.clip(unit, -1.0, 1.0)",
            "unit",
            ["tests/agents/test_exporting.py"],
        ),
        (
            "lab/agents/exporting.py",
            'seen.append(keras.Input((space.mask,), dtype="int8", name="action_mask"))',
            'seen.insert(0, keras.Input((space.mask,), dtype="int8", name="action_mask"))',
            ["tests/agents/test_exporting.py"],
        ),
        # seeds as one program, evaluation on the device
        (
            "lab/engine/jax_together.py",
            "variable is owner and variable._value is value",
            "variable is owner",
            ["jax:tests/engine/test_together.py"],
        ),
        (
            "lab/engine/jax_together.py",
            "slices = [row[place] for row in values]",
            "slices = [values[0][place] for row in values]",
            ["jax:tests/engine/test_together.py"],
        ),
        (
            "lab/agents/device_evaluation.py",
            "self._running.value * reward)",
            "ops.where(terminated, 0.0, reward) * self._running.value)",
            ["tests/agents/test_device_evaluation.py"],
        ),
        (
            "lab/agents/device_evaluation.py",
            "ops.where(terminated, 0.0, self._running.value)",
            "ops.where(terminated, 1.0, self._running.value)",
            ["tests/agents/test_device_evaluation.py"],
        ),
        (
            "lab/agents/device_evaluation.py",
            "            start = engine.read(self.rng.state)\n",
            "",
            ["tests/agents/test_device_evaluation.py"],
        ),
        (
            "lab/runs/study.py",
            "return min(equals, key=lambda trial: (round(",
            "return max(equals, key=lambda trial: (round(",
            ["tests/runs/test_study.py"],
        ),
        # many runs
        (
            "lab/runs/space.py",
            "if not low < high or (log and low <= 0):",
            "if not low < high:",
            ["tests/runs/test_space.py"],
        ),
        (
            "lab/runs/space.py",
            "return typing.get_args(hint) if several",
            "return typing.get_args(hint) if True",
            ["tests/runs/test_space.py"],
        ),
        ("lab/runs/study.py", "os.truncate(path, whole)", "pass", ["tests/runs/test_study.py"]),
        ("lab/runs/study.py", "if number < len(self._fixed):", "if number < 0:", ["tests/runs/test_study.py"]),
        ("lab/runs/study.py", "if at <= step}", "if True}", ["tests/runs/test_study.py"]),
        ("lab/runs/jobs.py", "if code < 0 and not interrupts and", "if code < 0 and", ["tests/runs/test_jobs.py"]),
        (
            "lab/runs/jobs.py",
            "code = INTERRUPTED if code < 0 and interrupts else code",
            "code = int(code)",
            ["tests/runs/test_jobs.py"],
        ),
        ("lab/runs/machine.py", "max(len(mine) // jobs, 1)", "len(mine)", ["tests/runs/test_jobs.py"]),
        (
            "lab/runs/workers.py",
            "if self._ready or died < 0 else died or 1",
            "if self._ready or died < 0 else died",
            ["tests/runs/test_workers.py::test_what_the_end_of_a_process_says_of_its_job"],
        ),
        (
            "lab/runs/worker.py",
            "os._exit(1)",
            "pass",
            ["tests/runs/test_workers.py::test_ctrl_c_and_kill_9_and_it_goes_on"],
        ),
        (
            "lab/runs/children.py",
            '"seeds": 1} | ONE_JOB',
            '"seeds": 1}',
            ["tests/runs/test_workers.py::test_the_flags_are_settings_of_the_parent_alone"],
        ),
        (
            "lab/runs/planning.py",
            "base = from_file(recorded, Path(file))",
            "base = recorded",
            ["tests/runs/test_config_file.py"],
        ),
        ("lab/runs/sweep_report.py", "ensure_ascii=False", "ensure_ascii=True", ["tests/runs/test_config_file.py"]),
        (
            "lab/runs/sweep.py",
            "self._log(trial.number, trial.value)",
            "pass",
            ["tests/runs/test_sweep.py::test_killed_before_the_objective_is_logged_it_is_logged_later"],
        ),
        (
            "lab/runs/sweep.py",
            'trial.state = "PRUNED"',
            "pass",
            ["tests/runs/test_sweep.py::test_a_trial_is_stopped_early_by_the_curve_that_is_named"],
        ),
        ("lab/runs/mirror.py", "journal.truncate(length)", "pass", ["tests/runs/test_mirror.py"]),
        (
            "lab/runs/mirror.py",
            "return [*first, *ends, *last, *gone]",
            "return [*ends, *first, *last, *gone]",
            ["tests/runs/test_mirror.py"],
        ),
        ("lab/runs/listing.py", 'if run.locked("writer"):', "if False:", ["tests/runs/test_listing.py"]),
        ("lab/runs/cleaning.py", "for item in reversed(items):", "for item in items:", ["tests/runs/test_cleaning.py"]),
        ("lab/runs/cleaning.py", "if not _is_safe(run)]", "if False]", ["tests/runs/test_cleaning.py"]),
        (
            "lab/commands/clean.py",
            "for item in items if item.path in still]",
            "for item in items]",
            ["tests/runs/test_cleaning.py"],
        ),
        (
            "lab/runs/courier.py",
            "return [*found, *(each for child in self._known.values() for each in child.new())]",
            "return found",
            ["tests/runs/test_mlflow_delivery.py::test_the_family_of_a_run_has_its_children_and_theirs_each_once"],
        ),
        (
            "lab/runs/ray_workers.py",
            "self._levels[name] = max(level, self._levels.get(name, 0))",
            "self._levels[name] = level",
            ["tests/runs/test_ray.py::test_the_actor_holds_the_lock_of_a_run_and_keeps_the_highest_level"],
        ),
        (
            "lab/models/encoders.py",
            "keras.layers.Rescaling(scale), *convolutions, keras.layers.Flatten(), dense]",
            "keras.layers.Rescaling(1.0), *convolutions, keras.layers.Flatten(), dense]",
            ["tests/models/test_encoders.py"],
        ),
        ("lab/losses/masked.py", "ops.sum(mask * categorical", "ops.sum(categorical", ["tests/losses/test_masked.py"]),
        ("lab/data/stories.py", "if actor != holder[thing]", "if actor", ["tests/data/test_stories.py"]),
        ("lab/data/dates.py", "== 0) == held_out", "== 0) != held_out", ["tests/data/test_dates.py"]),
        (
            "lab/models/sequence_to_sequence.py",
            "embed(0, mask_zero=True,",
            "embed(0, mask_zero=False,",
            ["tests/models/test_sequence_to_sequence.py"],
        ),
        (
            "lab/models/sequence_to_sequence.py",
            "told[:, :-1]], axis=1)",
            "told[:, 1:]], axis=1)",
            ["tests/models/test_sequence_to_sequence.py"],
        ),
        ("lab/metrics/average_precision.py", "(taken & ~crowd)", "taken", ["tests/metrics/test_average_precision.py"]),
        ("lab/vision/boxes.py", "(enclosing - union) / enclosing", "enclosing / union", ["tests/vision/test_boxes.py"]),
        ("lab/vision/suppression.py", "ops.equal(labels, label)", "ops.equal(labels, labels)", ["tests/vision/test_boxes.py"]),
        (
            "lab/vision/centernet.py",
            "(2 * radius(sizes) + 1) / 6",
            "(radius(sizes) + 1) / 6",
            ["tests/vision/test_centernet.py"],
        ),
        ("lab/vision/centernet.py", "heat + offset + 0.1 * size", "heat + offset + size", ["tests/vision/test_centernet.py"]),
        ("lab/losses/focal.py", "focal_factor(1 - y, beta)", "1", ["tests/vision/test_centernet.py"]),
        (
            "lab/data/scenes.py",
            "(each[1].start, each[0].start, each[1].stop, each[0].stop)",
            "(each[0].start, each[1].start, each[0].stop, each[1].stop)",
            ["tests/data/test_scenes.py"],
        ),
        ("lab/layers/lrua_cell.py", "self.strength * addressing", "addressing", ["tests/layers/test_memory_cells.py"]),
        # detectors, segmenters, precision
        (
            "lab/vision/augmentation.py",
            "boxes[tight] = boxes_of(instances, count)[tight]",
            "pass",
            ["tests/vision/test_augmentation.py"],
        ),
        ("lab/vision/augmentation.py", "& (share >= least)", "", ["tests/vision/test_augmentation.py"]),
        (
            "lab/vision/augmentation.py",
            "np.where((seen > 0) & (seen <= count), seen + taken, 0)",
            "seen",
            ["tests/vision/test_augmentation.py"],
        ),
        (
            "lab/vision/fcos.py",
            "areas = ops.where(fits, areas,",
            "areas = ops.where(fits, -areas,",
            ["tests/vision/test_dense_detectors.py"],
        ),
        ("lab/vision/fcos.py", "& (farthest > self.reach[:, :1])", "", ["tests/vision/test_dense_detectors.py"]),
        ("lab/vision/retinanet.py", "overlaps + 2, overlaps", "overlaps, overlaps", ["tests/vision/test_dense_detectors.py"]),
        (
            "lab/vision/retinanet.py",
            "none = ops.where(reached < NEGATIVE, -1, -2)",
            "none = -1",
            ["tests/vision/test_dense_detectors.py"],
        ),
        (
            "lab/vision/dense_head.py",
            "best = ops.where(best >= least, best, 0)",
            "pass",
            ["tests/vision/test_dense_detectors.py"],
        ),
        (
            "lab/vision/detr.py",
            "1 - (1 - NO_OBJECT) * nothing[..., 0]",
            "1 - 0 * nothing[..., 0]",
            ["tests/vision/test_detr.py"],
        ),
        ("lab/vision/detr.py", "known[:, present]", "known", ["tests/vision/test_detr.py"]),
        (
            "lab/vision/segmenter.py",
            "pixel_crossentropy(y_true, y_pred, ignored=VOID)",
            "pixel_crossentropy(y_true, y_pred)",
            ["tests/vision/test_segmenter.py"],
        ),
        (
            "lab/engine/tensorflow.py",
            "tf.stop_gradient(tf.convert_to_tensor(each))",
            "tf.convert_to_tensor(each) * 2",
            ["tests/engine/test_host_call.py"],
        ),
        (
            "lab/vision/mask_head.py",
            "+ (end - start)[..., None] * steps - 0.5",
            "+ (end - start)[..., None] * steps",
            ["tests/vision/test_mask_head.py"],
        ),
        ("lab/metrics/panoptic.py", " & (unclear <= found_areas / 2)", "", ["tests/metrics/test_panoptic.py"]),
        (
            "lab/data/letterboxes.py",
            "(np.asarray(boxes, float) - 2 * self.shift) / (2 * self.scale)",
            "np.asarray(boxes, float) / (2 * self.scale) - 2 * self.shift",
            ["tests/data/test_annotated.py"],
        ),
        ("lab/models/precision.py", 'layer.dtype_policy.name == "float32" and ', "", ["tests/models/test_precision.py"]),
        ("lab/runs/courier.py", "waits = error is not None and not", "waits = not", ["tests/runs/test_courier.py"]),
        ("lab/vision/prediction.py", "clip=False", "clip=True", ["tests/vision/test_prediction.py"]),
        (
            "lab/vision/two_stage.py",
            "* _has_area(proposals) * _has_area(boxes)",
            "* _has_area(proposals)",
            ["tests/vision/test_mask_rcnn.py"],
        ),
        ("lab/vision/two_stage.py", "threshold=0.7", "threshold=0.5", ["tests/vision/test_mask_rcnn.py"]),
        ("lab/runs/mlflow_delivery.py", "if self.folder.has_living_ancestor():", "if False:", ["tests/runs/test_courier.py"]),
        (
            "lab/vision/mask_rcnn.py",
            "own = ops.logical_and(own, said.found[..., 4] > 0)",
            "own = ops.logical_and(own, said.found[..., 4] > -1)",
            ["tests/vision/test_mask_rcnn.py"],
        ),
        (
            "lab/vision/mask_rcnn.py",
            'logits = self._of_class(said.masks, ops.cast(taken[..., 4], "int32"))',
            'logits = self._of_class(said.masks, ops.cast(said.found[..., 5], "int32"))',
            ["tests/vision/test_mask_rcnn.py"],
        ),
        (
            "lab/vision/two_stage.py",
            "boxes = within(box_at(proposals, deltas * ops.convert_to_tensor(SPREAD)), self.picture)",
            "boxes = within(box_at(proposals, deltas), self.picture)",
            ["tests/vision/test_mask_rcnn.py"],
        ),
        (
            "lab/vision/two_stage.py",
            'boxes = within(self.first.boxes(outputs), self.settings["picture"])',
            "boxes = self.first.boxes(outputs)",
            ["tests/vision/test_mask_rcnn.py"],
        ),
        (
            "lab/vision/mask_head.py",
            "/ (14 * strides[0])) / math.log(2)",
            "/ (7 * strides[0])) / math.log(2)",
            ["tests/vision/test_mask_head.py"],
        ),
        (
            "lab/vision/centernet.py",
            "return ops.maximum(heat, one * ops.take(classes",
            "return ops.add(heat, one * ops.take(classes",
            ["tests/vision/test_centernet.py"],
        ),
        # translation and style
        ("lab/data/pictures.py", ">= QUARTER", "> 8", ["tests/data/test_two_folders.py"]),
        ("lab/data/shaded.py", "ndimage.shift(", "np.roll(", ["tests/data/test_shaded.py"]),
        ("lab/gan/cyclegan.py", 'super().__init__(dtype="float32")', "super().__init__()", ["tests/gan/test_translation.py"]),
        (
            "lab/vision/style/optimize.py",
            "report(step, losses, before)",
            "report(step, losses, engine.read(picture)[0])",
            ["tests/vision/style/test_style.py"],
        ),
        ("lab/losses/tversky.py", "range(int(not over_batch)", "range(1", ["tests/losses/test_tversky.py"]),
        ("lab/models/any_size.py", "[0, :height, :width]", "[0, :width, :height]", ["tests/commands/test_translate.py"]),
        (
            "lab/data/crops.py",
            "share * min(whole.shape[:2])",
            "share * min(part.shape[:2])",
            ["tests/vision/style/test_one_pass.py"],
        ),
        ("lab/commands/picture_files.py", "and not folders:", ":", ["tests/commands/test_style.py"]),
        (
            "lab/gan/pix2pix.py",
            "loss = 0.5 * gan.objective.discriminator(real_logits, fake_logits)",
            "loss = gan.objective.discriminator(real_logits, fake_logits)",
            ["tests/gan/test_translation.py"],
        ),
        (
            "lab/gan/cyclegan.py",
            "translated(gan, real[::-1])[::-1], real[::-1])",
            "translated(gan, real)[::-1], real[::-1])",
            ["tests/gan/test_translation.py"],
        ),
        ("lab/gan/cyclegan.py", "gan.memory(fake))", "fake)", ["tests/gan/test_translation.py"]),
        (
            "lab/gan/image_pool.py",
            "ops.logical_or(filling, older), picture, stored)",
            "filling, picture, stored)",
            ["tests/gan/test_image_pool.py"],
        ),
        (
            "lab/gan/loop.py",
            "other = permutations(len(y), count, [seed, epoch, 1])",
            "other = permutations(len(y), len(y), [seed, epoch, 1])",
            ["tests/gan/test_translation.py"],
        ),
        (
            "lab/optimizers/schedules.py",
            "(self.total - self.flat)",
            "self.total",
            ["tests/optimizers/test_schedules.py"],
        ),
        (
            "lab/layers/receptive_fields.py",
            "tuple(times - 1 for times in factor))",
            "tuple(0 for times in factor))",
            ["tests/layers/test_receptive_fields.py"],
        ),
        (
            "lab/metrics/structural_similarity.py",
            '.astype("float64") + 1 for',
            '.astype("float64") for',
            ["tests/metrics/test_structural_similarity.py"],
        ),
        (
            "lab/metrics/sliced_wasserstein.py",
            "@ (lines / spread)",
            "@ lines",
            ["tests/metrics/test_sliced_wasserstein.py"],
        ),
        (
            "lab/vision/style/features.py",
            "layer.bias.assign((layer.bias - mean) / deviation)",
            "layer.bias.assign(layer.bias / deviation)",
            ["tests/vision/style/test_style.py"],
        ),
        (
            "lab/vision/style/features.py",
            'return blur(MirrorPadding2D(len(BLUR) // 2, "symmetric", name=layers.name("pad"))(x))',
            "return blur(keras.layers.ZeroPadding2D(len(BLUR) // 2)(x))",
            ["tests/vision/style/test_style.py"],
        ),
        ("lab/vision/style/losses.py", "ops.var(own, axis=(1, 2))", "ops.var(own)", ["tests/vision/style/test_style.py"]),
        (
            "lab/vision/style/optimize.py",
            "total = of_content + ratio * of_style",
            "total = of_content + of_style",
            ["tests/vision/style/test_style.py"],
        ),
        (
            "lab/vision/style/adain.py",
            "style_deviation * (c - mean) / deviation + style_mean",
            "(c - mean) / deviation + style_mean",
            ["tests/vision/style/test_one_pass.py"],
        ),
        (
            "lab/gan/translation.py",
            "as_floats(picture), stride, least)",
            "picture.astype('float32'), stride, least)",
            ["tests/commands/test_translate.py"],
        ),
    ]
]


def plant(mutation, copy):
    """Writes the fault into the copy. Returns what is wrong with the entry, or None."""
    path = copy / mutation.file
    if not path.exists():
        return "no such file"
    text = path.read_text()
    if text.count(mutation.old) != 1:
        return f"the old text stands there {text.count(mutation.old)} times"
    path.write_text(text.replace(mutation.old, mutation.new))
    return None


def fails(tests, copy):
    """Whether a test fails there. A RuntimeError where the tests did not run as they should."""
    environment = (
        CACHE | QUICK | os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    )
    for test in tests:
        on_jax = test.startswith("jax:")
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", test.removeprefix("jax:")]
        given = environment | {"KERAS_BACKEND": "jax" if on_jax else "tensorflow"}
        try:
            done = subprocess.run(command, cwd=copy, env=given, capture_output=True, text=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return True
        if done.returncode == 1:
            return True
        if done.returncode:
            raise RuntimeError(f"{test}: expected tests, received exit code {done.returncode}: {done.stdout[-500:]}")
    return False


def attempt(mutation, copy):
    """ "killed", "survived", or why the entry no longer applies."""
    wrong = plant(mutation, copy)
    if wrong:
        return f"no longer applies: {wrong}"
    try:
        return "killed" if fails(mutation.tests, copy) else "SURVIVED"
    except RuntimeError as error:
        return f"no longer applies: {error}"
    finally:
        shutil.copy2(ROOT / mutation.file, copy / mutation.file)


def main(arguments):
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__.splitlines()[0])
    parser.add_argument("--only", type=int, nargs="+", metavar="N", help="numbers of the faults to plant")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once")
    given = parser.parse_args(arguments)
    chosen = range(1, len(MUTATIONS) + 1) if given.only is None else given.only
    with tempfile.TemporaryDirectory() as folder:
        copies = queue.Queue()
        for job in range(given.jobs):
            copies.put(Path(shutil.copytree(ROOT, Path(folder) / str(job), ignore=LEFT_OUT)))

        def work(number):
            mutation, copy = MUTATIONS[number - 1], copies.get()
            try:
                result = attempt(mutation, copy)
            finally:
                copies.put(copy)
            print(f"{number:3d} {mutation.file}: {' '.join(mutation.old.split())}: {result}", flush=True)
            return result

        with ThreadPoolExecutor(given.jobs) as pool:
            results = list(pool.map(work, chosen))
    killed, survived = results.count("killed"), results.count("SURVIVED")
    print(f"{killed} killed, {survived} survived, {len(results) - killed - survived} no longer apply")
    return int(set(results) != {"killed"})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
