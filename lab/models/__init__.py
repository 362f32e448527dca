"""Networks, composed of layers only."""

from lab import renamed
from lab.models.actor_critic import actor_critic as actor_critic
from lab.models.actor_critic import dense_torso as dense_torso
from lab.models.actor_critic import nature_torso as nature_torso
from lab.models.continuous import critic as critic
from lab.models.continuous import deterministic_actor as deterministic_actor
from lab.models.continuous import gaussian_actor as gaussian_actor
from lab.models.dcgan import dcgan_discriminator as dcgan_discriminator
from lab.models.dcgan import dcgan_generator as dcgan_generator
from lab.models.densenet import densenet as densenet
from lab.models.encoders import image_encoder as image_encoder
from lab.models.encoders import sequence_encoder as sequence_encoder
from lab.models.families import FAMILIES as FAMILIES
from lab.models.families import classifier as classifier
from lab.models.glyph_classifier import glyph_classifier as glyph_classifier
from lab.models.glyph_classifier import trained_glyph_classifier as trained_glyph_classifier
from lab.models.inception import googlenet as googlenet
from lab.models.inception import inception_v3 as inception_v3
from lab.models.lenet import lenet as lenet
from lab.models.measuring import describe_images as describe_images
from lab.models.measuring import inception as inception
from lab.models.memory import MEMORY_CELLS as MEMORY_CELLS
from lab.models.memory import memory_network as memory_network
from lab.models.mixture_players import mixture_discriminator as mixture_discriminator
from lab.models.mixture_players import mixture_generator as mixture_generator
from lab.models.mlp import mlp as mlp
from lab.models.mobilenet import mobilenet as mobilenet
from lab.models.mobilenet import mobilenet_v2 as mobilenet_v2
from lab.models.precision import set_precision as set_precision
from lab.models.prototypes import prototypical_network as prototypical_network
from lab.models.r3gan import r3gan_discriminator as r3gan_discriminator
from lab.models.r3gan import r3gan_generator as r3gan_generator
from lab.models.recurrent import recurrent_actor_critic as recurrent_actor_critic
from lab.models.resnet import resnet as resnet
from lab.models.resnet import small_resnet as small_resnet
from lab.models.sequence import generate as generate
from lab.models.sequence import sequence_network as sequence_network
from lab.models.sequence_to_sequence import answer as answer
from lab.models.sequence_to_sequence import attention_weights as attention_weights
from lab.models.sequence_to_sequence import sequence_to_sequence as sequence_to_sequence
from lab.models.sequence_to_sequence import with_answers as with_answers
from lab.models.sngan import sngan_discriminator as sngan_discriminator
from lab.models.sngan import sngan_generator as sngan_generator
from lab.models.stages import multiplications as multiplications
from lab.models.stages import stages as stages
from lab.models.stages import summary as summary
from lab.models.transformer import transformer as transformer
from lab.models.translation import patch_discriminator as patch_discriminator
from lab.models.translation import residual_generator as residual_generator
from lab.models.translation import side_by_side as side_by_side
from lab.models.translation import unet_generator as unet_generator
from lab.models.unet import unet as unet
from lab.models.vgg import vgg as vgg
from lab.models.xception import xception as xception

__getattr__ = renamed(__name__, {"as_floats": "lab.data.conventions.as_floats"})
