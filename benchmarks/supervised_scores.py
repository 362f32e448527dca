"""What the supervised experiments reach with their default settings, over seeds; see scores.py."""

from benchmarks.tables import of_experiments
from experiments.cnn_families_glyphs import COMPARED
from lab.validation import CELLS

NETWORKS = {f"{form} {depth}": f"--form {form} --depth {depth}" for form in ("plain", "residual") for depth in (20, 56)}
FAMILIES = {name: f"--model {name}" for name in COMPARED}
WHOLE = {f"{name} whole": f"--model {name} --width 1" for name in ("lenet5", "resnet20")}
COUNTED = {"parameters": 0, "multiplications": 0, "milliseconds_per_step": 0}
BASIC = ("simple", "gru", "lstm")
ADDING = {f"{length} {cell}": f"--length {length} --cell {cell}" for length in (200, 600) for cell in BASIC}
BIASES = {f"200 {cell} from Keras's biases": f"--cell {cell} --no-chrono" for cell in ("gru", "lstm")}
ORDERS = {"": "", "permuted ": "--permuted "}
PIXELS = {f"{order}{cell}": f"{flags}--cell {cell}" for order, flags in ORDERS.items() for cell in CELLS}
STEP_SIZES = {
    f"{order}irnn, step size {rate}": f"{flags}--cell irnn --learning-rate {rate}"
    for order, flags in ORDERS.items()
    for rate in ("0.001", "0.0001")
}
EXPERIMENTS = {  # {experiment: ({variant: flags}, {result: digits})}
    "classifier_digits": ({"": ""}, {"accuracy": 4, "log_loss": 3, "calibration_error": 3}),
    "resnet_depth": (NETWORKS, {"training_loss": 3, "training_accuracy": 3, "accuracy": 3}),
    "cnn_families_glyphs": (FAMILIES | WHOLE, {"accuracy": 3, "log_loss": 2, "calibration_error": 3} | COUNTED),
    "adding_problem": (ADDING | BIASES, {"error": 5, "sequences": 0}),
    "sequential_digits": (PIXELS | STEP_SIZES, {"accuracy": 3, "training_loss": 3}),
    "copy_memory": (
        {cell: f"--cell {cell}" for cell in BASIC},
        {"accuracy": 3, "cross_entropy": 3, "cross_entropy_of_forgetting": 3},
    ),
    "forecast_mackey_glass": ({"": ""}, {"error_1": 5, "linear_error_1": 5, "error_84": 4, "linear_error_84": 3}),
    "char_rnn_stdlib": ({"": ""}, {"perplexity": 2, "perplexity_5_gram": 2}),
    "text_classifier_stdlib": ({"": ""}, {"accuracy": 3, "accuracy_naive_bayes": 3}),
    "look_inside_cnn": ({"": ""}, {"accuracy": 3}),
}

TABLES = of_experiments(EXPERIMENTS)
