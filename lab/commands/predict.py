"""`python -m lab predict`: what a detector or a segmenter of a run finds in pictures."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from lab import validation
from lab.commands import shared
from lab.runs import command_line
from lab.runs.files import replacing
from lab.validation import Interval


@dataclass(frozen=True)
class Predict:
    """The flags of `predict`."""

    output: str = ""
    """The PNG to write. With several pictures, the folder of the PNGs. The default is
    <picture>-found.png in the current folder."""
    threshold: Annotated[float, Interval(0, 1)] = 0.3
    """The score from which a detection is shown."""
    json: bool = False
    """Print what was found as JSON, boxes in pixels of the picture."""
    tracking_uri: str | None = None
    """The server that has the run, if it is not on this disk. RUN is then its MLflow run id."""

    def __post_init__(self) -> None:
        validation.check_fields(self)


def main(argv: Sequence[str]) -> int:
    """Draws what the model of a run finds in pictures."""
    run, rest = shared.run_id("predict", argv)
    count = next((index for index, word in enumerate(rest) if word.startswith("-")), len(rest))
    pictures, words = [Path(word) for word in rest[:count]], rest[count:]
    title = "python -m lab predict RUN PICTURE ..."
    (flags,) = command_line.parse(title, "Draws what the model of a run finds in pictures.", words, Predict())
    if not pictures:
        raise ValueError("predict: expected a picture after the run, received none")
    for path in pictures:
        if not path.is_file():
            raise FileNotFoundError(f"{path}: expected a picture, received nothing")
    name, model, _ = shared.model(run, flags.tracking_uri)
    from lab.vision.prediction import Predictor

    predictor = Predictor(model, name)
    outputs = [predictor.find(path) for path in pictures]  # before anything is written
    for path, output in zip(pictures, outputs):
        if flags.json:
            print(json.dumps({"picture": str(path)} | output.as_json(flags.threshold)))
            continue
        place = _place(flags.output, path, len(pictures) > 1)
        with replacing(place) as temporary:
            output.figure(flags.threshold).savefig(temporary, dpi=110, format="png", metadata={"Software": None})
        print(f"{path}: {output.sentence(flags.threshold)}; drawn in {place}")
    return 0


def _place(output: str, picture: Path, several: bool) -> Any:
    """Where the PNG of a picture goes."""
    name = f"{picture.stem}-found.png"
    if several and output:
        Path(output).mkdir(parents=True, exist_ok=True)
    return Path(output).resolve() / name if several or not output else Path(output).resolve()
