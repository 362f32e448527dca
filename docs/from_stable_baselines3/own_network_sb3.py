import torch
from stable_baselines3 import PPO
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor


class Features(BaseFeaturesExtractor):
    def __init__(self, observation_space):
        super().__init__(observation_space, features_dim=64)
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(4, 64), torch.nn.GELU(), torch.nn.LayerNorm(64)
        )

    def forward(self, observations):
        return self.layers(observations)


model = PPO(
    "MlpPolicy",
    "CartPole-v1",
    policy_kwargs={"features_extractor_class": Features, "net_arch": []},
)
model.learn(50_000)
