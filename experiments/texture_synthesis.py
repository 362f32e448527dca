"""New pictures of twelve textures, each found again among all of them by other random filters.

Expected: found >= 0.9 (1.0 in one run)
Time: ten minutes of two cores, reckoned
Source: Gatys et al. 2015; random filters at several scales: Ustyuzhaninov et al. 2016

From noise, a picture is changed until its features have the Gram matrices of a texture. It is
measured with what nothing was optimised for. `found` is the share of pictures whose nearest
texture, by Gram matrices in filters of another seed, is their own. `distance` is the sliced
Wasserstein distance of a Laplacian pyramid to the texture, `distance_ratio` that divided by the
distance of another part of the same texture, `distance_ratio_worst` the largest. `spectrum` is the
difference of the power spectra in decibels, `spectrum_part` that of another part.
The textures are four photographs of scikit-image and eight drawn ones; without the extra `data`
twelve drawn ones. `--textures` takes others: names, or files.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from experiments.common import gan as shared
from experiments.common import style as common
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval

if TYPE_CHECKING:
    import numpy as np

PHOTOGRAPHED = ("brick", "grass", "gravel", "immunohistochemistry")
DRAWN = ("stripes", "dots", "cells", "woven", "grain", "checks", "waves", "bricks")
MORE = ("clouds", "slope", "woven", "cells")  # in place of photographs; the last two with another seed


@dataclass(frozen=True)
class Config(common.Optimization):
    """Settings of the synthesis."""

    levels: int = 4
    textures: tuple[str, ...] = ()
    """Names of `lab.data.textures.KINDS`, or files; by default twelve, see above."""
    size: Annotated[int, Interval(64, 1024)] = 128
    """Pixels on a side of each texture and of each new picture."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.textures:
            common.require_pictures(textures=name)
        self.require_sides(size=self.size)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the textures."""
        import importlib.util

        if self.textures:
            return self.textures
        return (*(PHOTOGRAPHED if importlib.util.find_spec("skimage") else MORE), *DRAWN)

    @property
    def total_steps(self) -> int:
        """Steps of the optimizer for all textures."""
        return self.steps * len(self.names)

    def memory(self) -> list[memory.Need]:
        """What the run holds: maps and their gradients, of all levels."""
        return [memory.Need("maps", memory.array(6, self.size**2, self.filters), "--size, --filters")]


def parts(name: str, size: int, seed: int) -> "tuple[np.ndarray, np.ndarray]":
    """Two parts of a texture that do not overlap, from -1 to 1."""
    from lab.data import picture_by_name
    from lab.data.conventions import as_floats

    whole = as_floats(picture_by_name(name, 2 * size, seed=seed))
    return whole[:size, :size], whole[-size:, -size:]


def run(config: Config, track: Track) -> dict[str, float]:
    """Makes a picture of each texture, and measures it."""
    import numpy as np

    from lab.data import credit
    from lab.gan import pictures
    from lab.metrics import sliced_wasserstein, spectrum_distance
    from lab.runs.files import write_csv
    from lab.vision.style import fitting_pyramid, synthesize

    for_textures, for_features, for_noise, for_new = shared.seeds(track, 4)
    pairs = [parts(name, config.size, for_textures + number) for number, name in enumerate(config.names)]
    made = []
    for number, (name, (texture, _)) in enumerate(zip(config.names, pairs, strict=True)):
        track.say(credit(name))
        report = common.reporter(track, config, f"{number:02d}", number * config.steps)
        features = config.described(for_features)
        options = config.options() | {"seed": for_noise + number, "report": report}
        made.append(synthesize(texture, features=features, **options).picture)
    textures = [texture for texture, _ in pairs]
    nearest = found_again(made, textures, fitting_pyramid(*textures, seed=for_new).calibrated(*textures))
    rows = []
    for number, (name, (texture, part)) in enumerate(zip(config.names, pairs, strict=True)):
        distances = [sliced_wasserstein(each, texture) for each in (made[number], part)]
        spectra = [spectrum_distance(each, texture) for each in (made[number], part)]
        rows.append((name, config.names[nearest[number]], *distances, distances[0] / max(distances[1], 1e-9), *spectra))
    columns = ("texture", "nearest", "distance", "distance_part", "distance_ratio", "spectrum", "spectrum_part")
    write_csv(track.artifacts / "textures.csv", columns, rows)
    track.artifact("textures.csv")
    sheet = np.stack([*textures, *made, *(part for _, part in pairs)])
    words = {"row_labels": ("texture", "synthesised", "another part"), "column_labels": config.names}
    pictures.save_grid(track.artifacts / "textures.png", sheet, columns=len(made), zoom=1, **words)
    track.artifact("textures.png")
    numbers = np.array([row[2:] for row in rows], "float64")
    results = dict(zip(columns[2:], numbers.mean(axis=0).tolist(), strict=True))
    return results | {
        "found": float(np.mean(nearest == np.arange(len(made)))),
        "distance_ratio_worst": float(numbers[:, 2].max()),
    }


def found_again(made, textures, features) -> "np.ndarray":
    """The place of the nearest texture of each picture, by `style_of`."""
    import numpy as np

    from lab.vision.style import style_of

    return np.array([np.argmin([style_of(features, picture, texture) for texture in textures]) for picture in made])


if __name__ == "__main__":
    smoke = {"size": 64, "steps": 10, "levels": 3, "filters": 16, "preview_every": 5, "textures": ("stripes", "dots")}
    experiment.main(Config, run, smoke=smoke)
