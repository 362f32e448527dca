"""Layers that Keras does not have."""

from keras.layers import PReLU

from lab import renamed
from lab.layers.adaptive_instance_normalization import AdaptiveInstanceNormalization
from lab.layers.batch_normalization import BatchNormalization
from lab.layers.causal_self_attention import CausalSelfAttention
from lab.layers.conditional_batch_normalization import ConditionalBatchNormalization
from lab.layers.convolution import Convolution1D, Convolution2D, Convolution3D
from lab.layers.dnc_cell import DNCCell
from lab.layers.equalized import EqualizedConv2D, EqualizedDense
from lab.layers.gsde_head import GSDEHead
from lab.layers.heads import CategoricalValueHead, DuelingHead, GaussianHead, QuantileHead
from lab.layers.instance_normalization import InstanceNormalization
from lab.layers.learnt_map import LearntMap
from lab.layers.learnt_positions import LearntPositions
from lab.layers.local_response_normalization import LocalResponseNormalization
from lab.layers.lrua_cell import LRUACell
from lab.layers.masked_actions import MaskedActions
from lab.layers.maxout import Maxout
from lab.layers.minibatch_standard_deviation import MinibatchStandardDeviation
from lab.layers.mirror_padding import MirrorPadding1D, MirrorPadding2D, MirrorPadding3D
from lab.layers.noisy_dense import NoisyDense
from lab.layers.ntm_cell import NTMCell
from lab.layers.observation_part import ObservationPart
from lab.layers.pixel_normalization import PixelNormalization
from lab.layers.projection_head import ProjectionHead
from lab.layers.receptive_fields import ReceptiveField, feature_maps, receptive_field
from lab.layers.recurrent_cells import LayerNormGRUCell, LayerNormLSTMCell, PeepholeLSTMCell
from lab.layers.resettable_rnn import ResettableRNN
from lab.layers.running_normalization import RunningNormalization
from lab.layers.running_prototypes import RunningPrototypes
from lab.layers.self_attention import SelfAttention2D
from lab.layers.spectral_normalization import SpectralNormalization
from lab.layers.subsampling import Subsampling2D
from lab.layers.table_convolution import TableConvolution2D

__getattr__ = renamed(__name__, {"CategoricalHead": "CategoricalValueHead"})

__all__ = [
    "AdaptiveInstanceNormalization",
    "BatchNormalization",
    "CategoricalValueHead",
    "CausalSelfAttention",
    "ConditionalBatchNormalization",
    "Convolution1D",
    "Convolution2D",
    "Convolution3D",
    "DNCCell",
    "DuelingHead",
    "EqualizedConv2D",
    "EqualizedDense",
    "GSDEHead",
    "GaussianHead",
    "InstanceNormalization",
    "LRUACell",
    "LayerNormGRUCell",
    "LayerNormLSTMCell",
    "LearntMap",
    "LearntPositions",
    "LocalResponseNormalization",
    "MaskedActions",
    "Maxout",
    "MinibatchStandardDeviation",
    "MirrorPadding1D",
    "MirrorPadding2D",
    "MirrorPadding3D",
    "NTMCell",
    "NoisyDense",
    "ObservationPart",
    "PReLU",
    "PeepholeLSTMCell",
    "PixelNormalization",
    "ProjectionHead",
    "QuantileHead",
    "ReceptiveField",
    "ResettableRNN",
    "RunningNormalization",
    "RunningPrototypes",
    "SelfAttention2D",
    "SpectralNormalization",
    "Subsampling2D",
    "TableConvolution2D",
    "feature_maps",
    "receptive_field",
]
