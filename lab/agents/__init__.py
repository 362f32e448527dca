"""Agents: one algorithm per file, and the few pieces they share."""

from lab.agents.agent import Agent as Agent
from lab.agents.agent import Trajectory as Trajectory
from lab.agents.dqn import DQN as DQN
from lab.agents.dqn import squared as squared
from lab.agents.replay import UniformReplay as UniformReplay
from lab.agents.rollout import DeviceRollout as DeviceRollout
from lab.agents.rollout import HostRollout as HostRollout
from lab.agents.selection import BestSnapshot as BestSnapshot
from lab.agents.training import evaluate as evaluate
from lab.agents.training import train as train
