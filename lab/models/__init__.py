"""Networks, composed of layers only."""

from lab.models.actor_critic import actor_critic as actor_critic
from lab.models.actor_critic import dense_torso as dense_torso
from lab.models.actor_critic import nature_torso as nature_torso
from lab.models.continuous import critic as critic
from lab.models.continuous import deterministic_actor as deterministic_actor
from lab.models.continuous import gaussian_actor as gaussian_actor
from lab.models.mlp import mlp as mlp
from lab.models.recurrent import recurrent_actor_critic as recurrent_actor_critic
