"""One typeface becomes another without pairs: CycleGAN sees letters of both, never a pair.

Expected: error_ratio <= 0.8 (0.76 after one epoch of 10,000 letters and bfloat16, in one run)
Time: an hour of one core, reckoned
Source: Zhu et al. 2017

The letters of each typeface are drawn apart, with distortions of their own. Only the test knows
pairs: digits in both typefaces with the same distortions. Digits are never trained on.
The measures are those of `pix2pix_fonts`; `_back` is the way from the target to the source.
`python -m lab translate RUN PICTURE ...` translates your own pictures, with `--back` the other way.
"""

from dataclasses import dataclass

from experiments.common import translation, typefaces
from lab.runs import experiment
from lab.runs.track import Track


@dataclass(frozen=True)
class Config(typefaces.Typefaces, translation.Unpaired):
    """Settings of CycleGAN."""


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains, measures and draws; see `experiments.common.typefaces`."""
    return typefaces.run(config, track, translation.cyclegan_gan, paired=False)


if __name__ == "__main__":
    smoke = {"letters": "latin", "samples": 200, "test_samples": 50, "epochs": 4, "batch_size": 10, "filters": 8, "blocks": 1}
    experiment.main(Config, run, smoke=smoke)
