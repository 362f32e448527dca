"""Tabular methods: dynamic programming on an MDP's arrays, and learners on any discrete Gymnasium environment."""

from lab.agents.tabular.bellman import Solution as Solution
from lab.agents.tabular.bellman import action_values as action_values
from lab.agents.tabular.bellman import expectation as expectation
from lab.agents.tabular.bellman import greedy as greedy
from lab.agents.tabular.bellman import optimality as optimality
from lab.agents.tabular.bellman import uniform as uniform
from lab.agents.tabular.linear_programming import linear_programming as linear_programming
from lab.agents.tabular.policy_evaluation import exact_evaluation as exact_evaluation
from lab.agents.tabular.policy_evaluation import iterative_evaluation as iterative_evaluation
from lab.agents.tabular.policy_iteration import policy_iteration as policy_iteration
from lab.agents.tabular.prioritized_sweeping import prioritized_sweeping as prioritized_sweeping
from lab.agents.tabular.value_iteration import modified_policy_iteration as modified_policy_iteration
from lab.agents.tabular.value_iteration import value_iteration as value_iteration
