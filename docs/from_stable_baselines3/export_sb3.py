import torch
from stable_baselines3 import PPO

model = PPO("MlpPolicy", "CartPole-v1", device="cpu")
model.learn(50_000)


class Greedy(torch.nn.Module):
    def __init__(self, policy):
        super().__init__()
        self.policy = policy

    def forward(self, observation):
        return self.policy(observation, deterministic=True)[0]


torch.jit.trace(Greedy(model.policy), torch.zeros(1, 4)).save("policy.pt")
