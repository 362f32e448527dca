"""Generative adversarial networks: the model of two players, and what is passed into it."""

from lab.gan.auxiliary import Auxiliary as Auxiliary
from lab.gan.auxiliary import acgan as acgan
from lab.gan.auxiliary import infogan as infogan
from lab.gan.diff_augment import diff_augment as diff_augment
from lab.gan.evaluation import Evaluation as Evaluation
from lab.gan.gan import GAN as GAN
from lab.gan.latent import Codes as Codes
from lab.gan.latent import Normal as Normal
from lab.gan.penalty import Penalty as Penalty
from lab.gan.penalty import drift as drift
from lab.gan.penalty import gradient_penalty as gradient_penalty
from lab.gan.penalty import r1 as r1
from lab.gan.penalty import r2 as r2
from lab.gan.play import alternate as alternate
from lab.gan.play import extragradient as extragradient
