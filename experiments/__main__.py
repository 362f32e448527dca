"""`python -m experiments [WORD]` lists the experiments, or those with a word in their line."""

import ast
import sys

from lab.runs import command_line, menu

TOPICS = {  # {module of experiments/common: what the experiments that use it are about}
    "tabular": "Tabular reinforcement learning",
    "deep_agents": "Deep reinforcement learning",
    "ppo": "Deep reinforcement learning",
    "mixture": "Generative adversarial networks",
    "images": "Generative adversarial networks",
    "typefaces": "Translation and style",
    "translation": "Translation and style",
    "style": "Translation and style",
    "gan": "Generative adversarial networks",
    "memory_networks": "Memory and attention",
    "scenes": "Detection and segmentation",
    "detection": "Detection and segmentation",
    "segmentation": "Detection and segmentation",
    "recurrent": "Supervised learning: sequences",
    "supervised": "Supervised learning",
}
OTHERS = "Components and gradients"
APART = {  # experiments that share nothing, or less than what they are about
    "classifier_glyphs": "Supervised learning",
    "seq2seq_dates": "Memory and attention",
}


def topic(name: str, tree: ast.Module) -> str:
    """The topic of an experiment of this folder, from what it shares with others."""
    shared = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "experiments.common"
        for alias in node.names
    }
    return APART.get(name) or next((about for common, about in TOPICS.items() if common in shared), OTHERS)


def main() -> None:
    """Prints the menu: a line for each experiment, grouped by topic."""
    with command_line.one_line_errors():
        word = menu.word_of(sys.argv[1:])
        order = [*dict.fromkeys(TOPICS.values()), OTHERS]
        ours = sorted(menu.entries("experiments", topic), key=lambda entry: order.index(entry.topic))
        others, complaints = menu.of_others()
        print(menu.text([*ours, *others], "experiments", word))
    for complaint in complaints:
        print(complaint, file=sys.stderr)


if __name__ == "__main__":
    main()
