"""`python -m lab predict`: what a detector or a segmenter of a run finds in pictures."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.commands import picture_files, shared
from lab.runs import command_line
from lab.runs.files import replacing
from lab.validation import Interval


@dataclass(frozen=True)
class Predict:
    """The flags of `predict`."""

    output: str = ""
    """The PNG to write. With several pictures, the folder of the PNGs. The default is
    <picture>-found.png in the current folder. --json writes none."""
    threshold: Annotated[float, Interval(0, 1)] = 0.3
    """The score from which a detection is shown."""
    json: bool = False
    """Print what was found as JSON, boxes in pixels of the picture."""
    tracking_uri: str | None = None
    """The server that has the run, if it is not on this disk. RUN is then its MLflow run id."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        validation.require(not (self.json and self.output), "output", "no file with --json, which only prints", self.output)


def main(argv: Sequence[str]) -> int:
    """Draws what the model of a run finds in pictures."""
    run, rest = shared.run_id("predict", argv)
    given = picture_files.split(rest, "predict: expected a picture after the run, received none")
    pictures = given.pictures
    title = "python -m lab predict RUN PICTURE ..."
    (flags,) = command_line.parse(title, "Draws what the model of a run finds in pictures.", given.rest, Predict())
    places = [] if flags.json else picture_files.places("predict", flags.output, pictures, "found", folders=given.folders)
    name, model, _ = shared.model(run, flags.tracking_uri)
    from lab.data.pictures import pixels
    from lab.vision.prediction import Predictor

    predictor = Predictor(model, name)
    for path in pictures:  # all can be read, or nothing is written
        pixels(path)
    for number, path in enumerate(pictures):
        output = predictor.find(path, flags.threshold)
        if flags.json:
            print(json.dumps({"picture": str(path)} | output.as_json()))
            continue
        place = places[number]
        place.parent.mkdir(parents=True, exist_ok=True)
        with replacing(place) as temporary:
            output.figure().savefig(temporary, dpi=110, format="png", metadata={"Software": None})
        print(f"{path}: {output.sentence()}; drawn in {place}")
    return 0
