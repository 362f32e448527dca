"""What rliable (Agarwal et al. 2021) computes of some scores, to test `lab.runs.statistics` with.

PYTHON benchmarks/rliable_values.py

PYTHON is one of an environment with rliable 1.2.0 and pandas < 3. The script needs nothing of the
laboratory. It writes results/rliable.json: the scores, and of each statistic its value and its
95 % percentile interval of 50,000 replications of the stratified bootstrap.
"""

import importlib.metadata
import json
import platform
from pathlib import Path

import numpy as np
from rliable import library, metrics

REPLICATIONS = 50_000
TAUS = np.linspace(0, 1.2, 13)


def scores():
    """{name: matrix [runs, tasks]}. They are rounded, so that some are equal."""
    generator = np.random.default_rng(2021)
    level = generator.uniform(0.2, 0.9, 5)
    return {
        "10x5": np.round(generator.normal(level, 0.15, (10, 5)), 2),
        "10x5 better": np.round(generator.normal(level + 0.08, 0.2, (10, 5)), 2),
        "7x5": np.round(generator.normal(level, 0.1, (7, 5)), 1),
        "30x1": np.round(generator.normal(0.6, 0.3, (30, 1)), 2),
        "20x1": np.round(generator.normal(0.7, 0.3, (20, 1)), 2),
    }


def interval(arrays, statistic):
    """The value and the interval of a statistic of one matrix, or of several."""
    np.random.seed(0)  # noqa: NPY002  rliable draws from it, whatever its random_state
    values, intervals = library.get_interval_estimates(
        {"it": arrays}, lambda *each: np.atleast_1d(statistic(*each)), reps=REPLICATIONS
    )
    return {"value": values["it"].tolist(), "low": intervals["it"][0].tolist(), "high": intervals["it"][1].tolist()}


def main():
    """Writes the file."""
    known, found = scores(), {}
    for name, matrix in known.items():
        found[name] = {
            "interquartile_mean": interval(matrix, metrics.aggregate_iqm),
            "mean": interval(matrix, metrics.aggregate_mean),
            "median": interval(matrix, metrics.aggregate_median),
            "optimality_gap": interval(matrix, metrics.aggregate_optimality_gap),
            "performance_profile": interval(matrix, lambda each: library.score_distributions(each, TAUS)),
        }
        print(name, flush=True)
    pairs = (("10x5", "10x5 better"), ("7x5", "10x5"), ("30x1", "20x1"))
    improvement = {
        f"{x} > {y}": interval([known[x], known[y]], metrics.probability_of_improvement) | {"pair": [x, y]} for x, y in pairs
    }
    packages = ("rliable", "arch", "numpy", "scipy", "pandas")
    content = {
        "replications": REPLICATIONS,
        "taus": TAUS.tolist(),
        "scores": {name: matrix.tolist() for name, matrix in known.items()},
        "statistics": found,
        "probability_of_improvement": improvement,
        "python": platform.python_version(),
        "versions": {package: importlib.metadata.version(package) for package in packages},
    }
    path = Path(__file__).parent / "results" / "rliable.json"
    path.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
