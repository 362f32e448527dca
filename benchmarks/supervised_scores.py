"""What the supervised experiments reach: whole runs with their default settings, over seeds.

python -m benchmarks.supervised_scores [--only classifier_digits "adding_problem 200 gru"] [--seeds 5]
python -m benchmarks.supervised_scores --table        README's tables of the results that are kept
python -m benchmarks.supervised_scores --pictures DIR  their pictures, as the experiments draw them for a parent run

Each seed is kept as soon as it is there, and not run again.
"""

import argparse
import importlib
import json
from pathlib import Path

from benchmarks.machine import RESULTS, describe, interval, keep
from benchmarks.one_run import measure
from experiments.cnn_families_glyphs import COMPARED
from lab.validation import CELLS

RUNS = (
    {"classifier_digits": []}
    | {f"resnet_depth {form} {depth}": ["--form", form, "--depth", depth] for form in ("plain", "residual") for depth in ("20", "56")}
    | {f"cnn_families_glyphs {name}": ["--model", name] for name in COMPARED}
    | {f"cnn_families_glyphs {name} whole": ["--model", name, "--width", "1"] for name in ("lenet5", "resnet20")}
    | {f"adding_problem {length} {cell}": ["--length", length, "--cell", cell] for length in ("200", "600") for cell in ("simple", "gru", "lstm")}
    | {f"adding_problem 200 {cell} from Keras's biases": ["--cell", cell, "--no-chrono"] for cell in ("gru", "lstm")}
    | {f"sequential_digits {cell}": ["--cell", cell] for cell in CELLS}
    | {f"sequential_digits permuted {cell}": ["--permuted", "--cell", cell] for cell in CELLS}
    | {f"sequential_digits {order}irnn, step size {rate}": [*flags, "--cell", "irnn", "--learning-rate", rate] for order, flags in {"": [], "permuted ": ["--permuted"]}.items() for rate in ("0.001", "0.0001")}
    | {f"copy_memory {cell}": ["--cell", cell] for cell in ("simple", "gru", "lstm")}
    | {"forecast_mackey_glass": [], "char_rnn_stdlib": [], "text_classifier_stdlib": [], "look_inside_cnn": []}
)  # fmt: skip
COLUMNS = {  # of each experiment's table: {result: digits}
    "classifier_digits": {"accuracy": 4, "log_loss": 3, "calibration_error": 3},
    "resnet_depth": {"training_loss": 3, "training_accuracy": 3, "accuracy": 3},
    "cnn_families_glyphs": {"accuracy": 3, "log_loss": 2, "calibration_error": 3, "parameters": 0, "multiplications": 0, "milliseconds_per_step": 0},
    "adding_problem": {"error": 5, "sequences": 0},
    "sequential_digits": {"accuracy": 3, "training_loss": 3},
    "copy_memory": {"accuracy": 3, "cross_entropy": 3, "cross_entropy_of_forgetting": 3},
    "forecast_mackey_glass": {"error_1": 5, "linear_error_1": 5, "error_84": 4, "linear_error_84": 3},
    "char_rnn_stdlib": {"perplexity": 2, "perplexity_5_gram": 2},
    "text_classifier_stdlib": {"accuracy": 3, "accuracy_naive_bayes": 3},
    "look_inside_cnn": {"accuracy": 3},
}  # fmt: skip
NAME = "supervised_scores"


def kept():
    """The rows that are kept, {name: {"runs": [...]}}."""
    path = RESULTS / f"{NAME}.json"
    return json.loads(path.read_text())["rows"] if path.exists() else {}


def _cell(values, digits):
    """One number where all are the same, as of weights."""
    return f"{values[0]:.{digits}f}" if min(values) == max(values) else interval(values, digits)


def tables():
    """README's tables: for each experiment a line for each variant, mean ± 95 % interval of each result."""
    rows, found = kept(), []
    for experiment, columns in COLUMNS.items():
        variants = {name: rows[name]["runs"] for name in RUNS if name.split()[0] == experiment and name in rows}
        if variants:
            found.append(f"| {' | '.join([experiment, *(name.replace('_', ' ') for name in columns), 'minutes', 'seeds'])} |")
            found.append("|---" * (len(columns) + 3) + "|")
            for name, runs in variants.items():
                cells = [_cell([run[key] for run in runs], digits) for key, digits in columns.items()]
                cells += [f"{min(run['minutes'] for run in runs):.1f}", str(len(runs))]
                found.append(f"| {' | '.join([' '.join(name.split()[1:]), *cells])} |")
            found.append("")
    return "\n".join(found)


class Folder:
    """What an experiment's summary needs of a track."""

    def __init__(self, path):
        self.artifacts = Path(path)
        self.artifacts.mkdir(parents=True, exist_ok=True)

    def artifact(self, name):
        """It is where it should be."""


def pictures(path):
    """Draws what is kept; each experiment into a folder of its own."""
    groups: dict[str, dict[str, list]] = {}
    for name, row in kept().items():
        experiment, *words = name.split()
        groups.setdefault(experiment, {})["_".join(words)] = [
            {k: v for k, v in run.items() if k != "commit"} for run in row["runs"]
        ]
    for experiment, rows in groups.items():
        module = importlib.import_module(f"experiments.{experiment}")
        if hasattr(module, "summary"):
            module.summary(Folder(Path(path) / experiment), rows)


def main():
    """Runs what is missing and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=list(RUNS), choices=list(RUNS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--table", action="store_true", help="print README's tables and run nothing")
    parser.add_argument("--pictures", metavar="DIR", help="draw what is kept and run nothing")
    flags = parser.parse_args()
    if flags.pictures:
        pictures(flags.pictures)
        return
    if flags.table:
        print(tables())
        return
    for seed in range(flags.seeds):
        for name in flags.only:
            if seed in [run["seed"] for run in kept().get(name, {"runs": []})["runs"]]:
                continue
            found = measure(name.split()[0], RUNS[name], seed)
            rows = kept()  # another process may have written
            rows.setdefault(name, {"runs": []})["runs"].append(found)
            keep(NAME, {"rows": rows} | describe("tensorflow", "keras", "numpy"))
            print(name, found, flush=True)


if __name__ == "__main__":
    main()
