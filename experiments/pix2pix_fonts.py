"""One typeface becomes another: pix2pix learns from pairs of letters and is tested on digits.

Expected: error_ratio <= 0.5 (0.35 with 2 epochs and bfloat16, in one run)
Time: a quarter of an hour of two cores, reckoned
Source: Isola et al. 2017; difference: the objective is least squares, not cross-entropy

Letters of all scripts are drawn in both typefaces with the same distortions. Digits are never
trained on. `error` is the mean absolute error of translated digits, as a share of the way from
black to white, `error_ratio` that divided by the error of doing nothing. `similarity` is the
structural similarity. `digit_kept` is the share of digits that a classifier still reads. `_source`,
`_mean` and `_nearest` are of the source itself, of the mean target letter, and of the counterpart
of the nearest training letter.
`--generator unet` takes the paper's kind of network.
`python -m lab translate RUN PICTURE ...` translates your own pictures.
"""

from dataclasses import dataclass

from experiments.common import translation, typefaces
from lab.runs import experiment
from lab.runs.track import Track


@dataclass(frozen=True)
class Config(typefaces.Typefaces, translation.Paired):
    """Settings of pix2pix."""


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains, measures and draws; see `experiments.common.typefaces`."""
    return typefaces.run(config, track, translation.pix2pix_gan, paired=True)


if __name__ == "__main__":
    smoke = {"letters": "latin", "samples": 200, "test_samples": 50, "epochs": 4, "batch_size": 10, "filters": 8, "blocks": 1}
    experiment.main(Config, run, smoke=smoke)
