"""`python -m lab info`: prints versions, machine and store."""

import json
from collections.abc import Sequence

from lab.runs import command_line, info


def main(argv: Sequence[str]) -> int:
    """Prints versions, machine and store."""
    (flags,) = command_line.parse("python -m lab info", "Prints versions, machine and store.", argv, info.Info())
    found = info.collect()
    print(json.dumps(found, indent=2) if flags.json else "\n".join(info.lines(found)))
    return 0
