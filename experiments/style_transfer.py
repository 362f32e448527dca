"""A picture in the style of another, without a network that was trained: by random filters.

Expected: style_loss <= 0.1 (0.022 in one run; the content itself has 3)
Time: a minute of two cores for 256 pixels, reckoned
Source: Gatys et al. 2016; random filters: Ustyuzhaninov et al. 2016, He et al. 2016

    python -m experiments.style_transfer --content me.jpg --style painting.jpg

The content's picture is changed until its features have the style's Gram matrices. `style_loss` and
`content_loss` are shares: features that are all 0 have a style loss of 1. `--ratio` is how much
style counts beside content, for any size. `--colours` keeps the content's colours. `--features RUN`
takes a network of your own, such as one of `classifier_textures`. `style_loss_new` is in a network
of other random filters, which nothing was optimised for.
`python -m lab style CONTENT STYLE` makes only the picture.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from experiments.common import gan as shared
from experiments.common import style as common
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval


@dataclass(frozen=True)
class Config(common.Optimization):
    """Settings of the transfer."""

    content: str = "china"
    """The picture to change: a name of `lab.data.textures.KINDS`, or a file."""
    style: str = "flower"
    """The picture whose style is taken: a name, or a file."""
    size: Annotated[int, Interval(64, 4096)] = 256
    """Pixels of the content's shorter side."""
    style_scale: Annotated[float, Interval(0.1, 10)] = 1.0
    """The style's shorter side, over the content's: coarser above 1."""
    ratio: Annotated[float, Interval(over=0, high=1e6)] = 10.0
    """Weight of style beside content."""
    variation: Annotated[float, Interval(0, 1e3)] = 0.0
    """Weight of total variation, which makes the picture smoother."""
    start: Literal["content", "style", "noise"] = "content"
    """The picture to begin with."""
    colours: bool = False
    """Keep the content's colours: only the brightness gets the style."""

    def __post_init__(self) -> None:
        super().__post_init__()
        common.require_pictures(content=self.content, style=self.style)
        self.require_sides(size=self.size, style_scale=round(self.style_scale * self.size))

    def memory(self) -> list[memory.Need]:
        """What the run holds: maps and their gradients, of all levels."""
        largest = max(self.size, round(self.style_scale * self.size))
        flags = "--size, --style-scale, --filters"
        return [memory.Need("maps", memory.array(6, largest * round(1.5 * largest), self.filters), flags)]


def run(config: Config, track: Track) -> dict[str, float]:
    """Makes the picture."""
    from lab.data import credit, picture_by_name
    from lab.data.conventions import as_floats
    from lab.vision.style import grey_like, stylize, with_colours

    for_features, for_noise, for_new = shared.seeds(track, 3)
    whole = as_floats(picture_by_name(config.content, config.size))
    style = as_floats(picture_by_name(config.style, round(config.style_scale * config.size)))
    for name in (config.content, config.style):
        track.say(credit(name))
    content = whole
    if config.colours:
        style, content = grey_like(style, content)

    def finish(picture):
        return with_colours(picture, whole) if config.colours else picture

    made = stylize(
        content,
        style,
        features=config.described(for_features),
        ratio=config.ratio,
        variation=config.variation,
        start=config.start,
        seed=for_noise,
        report=common.reporter(track, config, "preview", finish=finish),
        **config.options(),
    )
    for name, picture in (("content", whole), ("style", style), ("stylized", finish(made.picture))):
        common.save(track, f"{name}.png", picture)
    common.animate(track, "preview")
    new = losses_in_other_filters(made.picture, content, style, for_new)
    return {f"{name}_loss": loss for name, loss in made.losses.items()} | new | {"evaluations": float(made.evaluations)}


def losses_in_other_filters(made, content, style, seed) -> dict[str, float]:
    """The style loss of the picture, and of the content as it was, in filters of another seed."""
    from lab.vision.style import fitting_pyramid, style_of

    features = fitting_pyramid(content, style, seed=seed).calibrated(content, style)
    return {
        "style_loss_new": style_of(features, made, style),
        "style_loss_new_content": style_of(features, content, style),
    }


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"size": 64, "steps": 10, "levels": 3, "filters": 16, "preview_every": 5})
