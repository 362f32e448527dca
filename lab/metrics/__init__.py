"""How good generated samples are."""

from lab.metrics.features import KernelDistance as KernelDistance
from lab.metrics.features import Nearest as Nearest
from lab.metrics.features import PrecisionRecall as PrecisionRecall
from lab.metrics.features import classifier_score as classifier_score
from lab.metrics.features import frechet_distance as frechet_distance
from lab.metrics.features import kernel_distance as kernel_distance
from lab.metrics.features import nearest_in_training as nearest_in_training
from lab.metrics.features import precision_recall as precision_recall
from lab.metrics.kneser_ney import kneser_ney as kneser_ney
from lab.metrics.kneser_ney import sequence_perplexity as sequence_perplexity
from lab.metrics.mixture import ModeCoverage as ModeCoverage
from lab.metrics.mixture import mode_coverage as mode_coverage
from lab.metrics.mixture import reverse_kl as reverse_kl
