"""How many steps a run takes: whole rollouts, and whole reports of whole rollouts."""


def round_up(value: int, multiple: int) -> int:
    """The least multiple that is not below a value."""
    return -(-value // multiple) * multiple


def whole_steps(steps: int, warm_up: int, per_iteration: int, report_every: int = 1_000) -> tuple[int, int]:
    """(steps of the warm-up, steps in all) of training: whole iterations, and after the warm-up whole reports."""
    warm_up, report_every = round_up(warm_up, per_iteration), round_up(report_every, per_iteration)
    learning = round_up(max(steps - warm_up, 0), report_every)  # one length of loop on the device: one compilation
    return warm_up, warm_up + learning
