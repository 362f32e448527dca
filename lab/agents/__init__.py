"""Agents: one algorithm per file, and the few pieces they share."""

from lab.agents.a2c import A2C as A2C
from lab.agents.agent import Agent as Agent
from lab.agents.agent import Trajectory as Trajectory
from lab.agents.ddpg import DDPG as DDPG
from lab.agents.ddpg import OrnsteinUhlenbeckNoise as OrnsteinUhlenbeckNoise
from lab.agents.dqn import DQN as DQN
from lab.agents.dqn import squared as squared
from lab.agents.off_policy import Critics as Critics
from lab.agents.policies import GSDEPolicy as GSDEPolicy
from lab.agents.policies import NormalPolicy as NormalPolicy
from lab.agents.policies import policy_for as policy_for
from lab.agents.ppo import PPO as PPO
from lab.agents.reinforce import REINFORCE as REINFORCE
from lab.agents.replay import UniformReplay as UniformReplay
from lab.agents.reward_scaling import RewardScaling as RewardScaling
from lab.agents.rollout import DeviceRollout as DeviceRollout
from lab.agents.rollout import HostRollout as HostRollout
from lab.agents.sac import SAC as SAC
from lab.agents.sac import FixedTemperature as FixedTemperature
from lab.agents.sac import LearntTemperature as LearntTemperature
from lab.agents.selection import BestSnapshot as BestSnapshot
from lab.agents.td3 import TD3 as TD3
from lab.agents.td3 import GaussianNoise as GaussianNoise
from lab.agents.td3 import clipped_noise as clipped_noise
from lab.agents.training import evaluate as evaluate
from lab.agents.training import train as train
