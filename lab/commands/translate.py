"""`python -m lab translate`: what the generator of a translation makes of pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

from lab import validation
from lab.commands import picture_files, shared
from lab.runs import command_line
from lab.runs.files import replacing


@dataclass(frozen=True)
class Translate:
    """The flags of `translate`."""

    back: bool = False
    """From target to source, which only a run without pairs has learnt."""
    output: str = ""
    """The PNG to write. With several pictures, the folder of the PNGs. The default is
    <picture>-translated.png in the current folder."""
    tracking_uri: str | None = None
    """The server that has the run, if it is not on this disk. RUN is then its MLflow run id."""

    def __post_init__(self) -> None:
        validation.check_fields(self)


def main(argv: Sequence[str]) -> int:
    """Translates pictures with the generator of a run."""
    run, rest = shared.run_id("translate", argv)
    given = picture_files.split(rest, "translate: expected a picture after the run, received none")
    pictures = given.pictures
    title = "python -m lab translate RUN PICTURE ..."
    (flags,) = command_line.parse(title, "Translates pictures with the generator of a run.", given.rest, Translate())
    places = picture_files.places("translate", flags.output, pictures, "translated", folders=given.folders)
    name, model, _ = shared.model(run, flags.tracking_uri)
    from PIL import Image

    from lab.data.pictures import pixels
    from lab.gan.translation import is_translator, one_way, translate_picture
    from lab.models.any_size import any_size

    if not is_translator(model):
        raise ValueError(f"run id: expected a run of a translation of pictures, received {name}")
    validation.require(not flags.back or len(model.outputs) == 2, "back", "a run without pairs, such as CycleGAN's", name)
    network = any_size(one_way(model, back=flags.back))
    channels = network.inputs[0].shape[-1]
    arrays = [pixels(path, channels) for path in pictures]  # all can be read, or nothing is written
    for path, place, array in zip(pictures, places, arrays, strict=True):
        made = translate_picture(network, array)
        place.parent.mkdir(parents=True, exist_ok=True)
        with replacing(place) as temporary:
            Image.fromarray(made[..., 0] if made.shape[-1] == 1 else made).save(temporary, format="png")
        print(f"{path}: translated in {place}")
    return 0
