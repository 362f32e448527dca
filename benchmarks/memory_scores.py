"""What networks with a memory reach with their default settings, over seeds; see scores.py."""

from benchmarks.tables import of_experiments
from benchmarks.three_ways import JAX
from experiments.common.memory_networks import CELLS
from experiments.dnc_stories import KINDS
from experiments.mann_few_shot_glyphs import NETWORKS, SHOWN

PAPER = {"paper": "--config experiments/presets/ntm_copy_paper.toml"}


def others(units: int) -> dict[str, str]:
    """The NTM, an LSTM with as many weights, and a Transformer."""
    return {"": "", "lstm": f"--cell lstm --units {units}", "transformer": "--cell transformer --units 64"}


CORRECTIONS = {"": "", **{name: f"--corrections {name}" for name in ("masked", "erasing", "sharpened")}}
CORRECTIONS["all three"] = "--corrections masked erasing sharpened"
STORIES = CORRECTIONS | {cell: f"--cell {cell}" for cell in ("lstm", "transformer")}
LONG = {f"{cell} 20,000 batches": f"--cell {cell} --epochs 250" for cell in ("lrua", "lstm")}
BITS = {"wrong_bits": 3, "wrong_bits_at_random": 1, "solved_after": 0}
EXPERIMENTS = {  # {experiment: ({variant: flags}, {result: digits})}
    "ntm_copy": ({"": "", "lstm": "--cell lstm --units 79"} | PAPER, BITS | {"wrong_percent_twice": 2}),
    "ntm_repeat_copy": (others(79), BITS | {"wrong_percent_longer": 2, "wrong_percent_more": 2}),
    "ntm_associative_recall": (others(101), BITS | {"wrong_percent_twice": 2}),
    "ntm_dynamic_ngrams": (others(80), {"nats_above_best": 4, "nats_above_best_at_random": 4, "nats_of_the_best": 4}),
    "ntm_priority_sort": (others(116), BITS | {"wrong_percent": 2}),
    "dnc_repeat_copy": (CORRECTIONS, BITS),
    "mann_few_shot_glyphs": (
        {cell: f"--cell {cell}" for cell in NETWORKS} | LONG,
        {f"accuracy_{times}": 3 for times in SHOWN},
    ),
    "length_generalisation": (
        {f"{cell} {task}": f"--cell {cell} --task {task}" for task in ("copy", "reverse") for cell in CELLS},
        {f"wrong_percent_{times}": 2 for times in ("once", "twice", "thrice", "four_times")},
    ),
    "dnc_stories": (STORIES, {"accuracy": 3} | {f"accuracy_{kind}": 3 for kind in (*KINDS, "of_the_last")}),
    "seq2seq_dates": ({"": ""}, {"exact": 4, "characters": 4}),
}

TABLES = of_experiments(EXPERIMENTS, {"mann_few_shot_glyphs": (JAX,)})  # whose updates JAX makes twice as fast
