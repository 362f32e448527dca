"""`python -m lab style`: pictures in the style of another, without a run."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from lab import validation
from lab.commands import picture_files, shared
from lab.runs import command_line, keras_settings, memory
from lab.runs.files import replacing
from lab.validation import Interval

LEAST = 8  # pixels on a side
FILTERS = 128  # of the random pyramid


@dataclass(frozen=True)
class Style:
    """The flags of `style`."""

    ratio: Annotated[float, Interval(over=0, high=1e6)] = 10.0
    """Weight of style beside content; 1 is a little style, 100 much."""
    size: Annotated[int, Interval(64, 4096)] = 512
    """Pixels of the result's shorter side at most. The picture is never enlarged."""
    style_scale: Annotated[float, Interval(0.1, 10)] = 1.0
    """The style's shorter side, over the content's: coarser above 1."""
    colours: bool = False
    """Keep the content's colours: only the brightness gets the style."""
    variation: Annotated[float, Interval(0, 1e3)] = 0.0
    """Weight of total variation, which makes the picture smoother."""
    start: Literal["content", "style", "noise"] = "content"
    """The picture to begin with."""
    steps: Annotated[int, Interval(1, 10**6)] = 200
    """Steps of the optimizer."""
    network: str = ""
    """A run of adain_style. Its network takes one pass for a picture, in place of --steps."""
    strength: Annotated[float, Interval(0, 1)] = 1.0
    """With --network: 0 is the content, 1 all of the style."""
    seed: Annotated[int, Interval(0, 2**32 - 1)] = 0
    """Seed of the random filters and of noise."""
    tracking_uri: str | None = None
    """The server that has the run of --network, if it is not on this disk."""
    output: str = ""
    """The PNG to write. With several pictures, the folder of the PNGs. The default is
    <picture>-styled.png in the current folder."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        usual = {field.name: field.default for field in dataclasses.fields(self)}
        unused = ("ratio", "variation", "start", "steps", "seed") if self.network else ("strength", "tracking_uri")
        for name in unused:
            expected = f"{usual[name]} {'with' if self.network else 'without'} --network"
            validation.require(getattr(self, name) == usual[name], name, expected, getattr(self, name))


def main(argv: Sequence[str]) -> int:
    """Gives pictures the style of another."""
    given = picture_files.split(argv, "style: expected pictures and, last, the one whose style they get, received none")
    title = "python -m lab style CONTENT ... STYLE"
    (flags,) = command_line.parse(title, "Gives pictures the style of another, the last one.", given.rest, Style())
    *contents, style = given.pictures
    last = argv[len(argv) - len(given.rest) - 1]
    if not contents or Path(last).is_dir():
        raise ValueError(f"style: expected pictures and, last, the file whose style they get, received {last} at the end")
    places = picture_files.places("style", flags.output, contents, "styled", folders=given.folders)
    from lab.data.pictures import pixels

    wanted = pixels(style)
    for path in contents:  # all can be styled, or nothing is written
        require_sides(path, pixels(path).shape, style, wanted.shape, flags)
    keras_settings.choose_backend(keras_settings.backend())
    keras_settings.import_keras()
    network = adain_of(flags) if flags.network else None
    for path, place in zip(contents, places, strict=True):
        make(path, wanted, place, flags, network)
        print(f"{path}: styled in {place}", flush=True)
    return 0


def require_sides(path: Path, content: Sequence[int], style_path: Path, style: Sequence[int], flags: Style) -> None:
    """Raises unless a content and the style are large enough, and small enough for the memory."""
    side = min(flags.size, *content[:2])
    needs = []
    for name, shape, shorter in ((path, content, side), (style_path, style, round(flags.style_scale * side))):
        if shorter < LEAST:
            raise ValueError(
                f"{name}: expected a picture of at least {LEAST} pixels on a side, received {shorter} after scaling"
            )
        pixels = shorter * round(max(shape[:2]) * shorter / min(shape[:2]))
        needs.append(memory.Need(f"maps of {name}", memory.array(6, pixels, FILTERS), "--size, --style-scale"))
    memory.require(needs)


def adain_of(flags: Style) -> Any:
    """The network of a run of `adain_style`."""
    name, model, _ = shared.model(flags.network, flags.tracking_uri)
    if [each.name for each in model.inputs] != ["content", "style", "strength"]:
        raise ValueError(f"--network: expected a run of adain_style, received {name}")
    return model


def make(path: Path, style: Any, place: Path, flags: Style, network: Any = None) -> None:
    """Makes one picture and writes it. Shows the progress and the time that is left."""
    from PIL import Image

    from lab.data.conventions import as_bytes, as_floats
    from lab.data.pictures import pixels
    from lab.data.pictures_by_name import scaled
    from lab.runs.progress import Progress
    from lab.vision.style import apply_adain, grey_like, stylize, with_colours

    content = pixels(path)
    side = min(flags.size, *content.shape[:2])
    whole = content = as_floats(scaled(content, side))
    style = as_floats(scaled(style, round(flags.style_scale * side)))
    if flags.colours:
        style, content = grey_like(style, content)
    with Progress(path.name, 0 if network else flags.steps) as progress:

        def report(step, losses, picture):
            progress.update(step, {"loss": losses["content"] + flags.ratio * losses["style"]})

        if network is not None:
            made = apply_adain(network, content, style, strength=flags.strength)
        else:
            made = stylize(
                content,
                style,
                ratio=flags.ratio,
                variation=flags.variation,
                steps=flags.steps,
                start=flags.start,
                seed=flags.seed,
                report=report,
            ).picture
    picture = with_colours(made, whole) if flags.colours else made
    place.parent.mkdir(parents=True, exist_ok=True)
    with replacing(place) as temporary:
        Image.fromarray(as_bytes(picture)).save(temporary, format="png")
