"""`python -m lab predict`: what a detector or a segmenter of a run finds in pictures."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

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
    count = next((index for index, word in enumerate(rest) if word.startswith("-")), len(rest))
    pictures, words = [Path(word) for word in rest[:count]], rest[count:]
    title = "python -m lab predict RUN PICTURE ..."
    (flags,) = command_line.parse(title, "Draws what the model of a run finds in pictures.", words, Predict())
    if not pictures:
        raise ValueError("predict: expected a picture after the run, received none")
    for path in pictures:
        if not path.is_file():
            raise FileNotFoundError(f"{path}: expected a picture, received {'a folder' if path.is_dir() else 'nothing'}")
    places = [] if flags.json else _places(flags.output, pictures)
    name, model, _ = shared.model(run, flags.tracking_uri)
    from lab.vision.prediction import Predictor, read

    predictor = Predictor(model, name)
    for path in pictures:  # all can be read, or nothing is written
        read(path)
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


def _places(output: str, pictures: Sequence[Path]) -> list[Path]:
    """Where the PNG of each picture goes."""
    whole = Path(output).resolve()
    if output and len(pictures) == 1:
        if whole.is_dir():
            raise ValueError(f"--output: expected a file for one picture, received the folder {output}")
        return [whole]
    if output and whole.is_file():
        raise ValueError(f"--output: expected a folder for {len(pictures)} pictures, received the file {output}")
    places = [whole / f"{picture.stem}-found.png" for picture in pictures]
    for number, place in enumerate(places):
        if place in places[:number]:
            other = pictures[places.index(place)]
            raise ValueError(f"predict: expected pictures with different names, received {other} and {pictures[number]}")
    return places
