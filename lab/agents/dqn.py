"""Deep Q-learning (Mnih et al. 2015, Algorithm 1), with the target rule passed in: plain, double or clipped.

Deviations from the paper, all of them settings: Adam in place of RMSprop, the gradient's norm clipped in place of the TD
error, updates made in groups after every `rollout_length` steps, exploration rate constant within one such rollout, a greedy
policy of averaged weights.
"""

import keras
from keras import ops

from lab import engine, validation
from lab.agents.exploration import epsilon_greedy, host_epsilon_greedy
from lab.agents.passes import HostPasses, exploring, greedy, learning
from lab.agents.requirements import (
    copy_weights,
    require_batch,
    require_inputs,
    require_new,
    require_outputs,
    require_place,
)
from lab.agents.spaces import discrete
from lab.agents.statistics import ObservationStatistics
from lab.losses import huber_error
from lab.losses.reinforcement import q_learning_bootstrap
from lab.models.average import averaged, update_counter, update_recent_average


def squared(error):
    """0.5 e^2, elementwise."""
    return 0.5 * error**2


class DQN:
    """Deep Q-network for discrete actions and Box observations of any rank.

    Args:
        online, target: built Keras models, observation `[B, ...]` -> action values `[B, A]`, of one architecture.
        optimizer: a Keras optimizer; gradient clipping is its `global_clipnorm`.
        replay: where transitions are kept, `UniformReplay`.
        bootstrap: value of the next state, `q_learning_bootstrap` or another of `lab.losses.reinforcement`.
        loss: elementwise loss of the TD error, `lab.losses.huber_error` or `squared`.
        discount: gamma per environment step, in [0, 1].
        batch_size: transitions per update.
        rollout_length: environment steps (of each environment) between two calls of `learn`.
        updates: gradient steps per call of `learn`.
        target_every: gradient steps between two moves of the target network towards the online one, C of Algorithm 1.
        polyak: tau in (0, 1], the share of the online weights that a move takes over; 1 copies them.
        averaging: in [0, 1]. The greedy policy has averaged weights of the online network, in which this share of the updates so
            far, the newest, counts most (`lab.models.average.update_recent_average`). With 0 it has the online weights
            themselves. The online network explores in both cases.
        warm_up: environment steps, taken at random, before learning starts.
        epsilon: schedule, environment steps -> probability of a random action.
        seed: seeds the exploration inside compiled programs.
    """

    def __init__(
        self,
        *,
        online,
        target,
        optimizer,
        replay,
        bootstrap=q_learning_bootstrap,
        loss=huber_error,
        discount=0.99,
        batch_size=64,
        rollout_length=4,
        updates=1,
        target_every=250,
        polyak=1.0,
        averaging=0.0,
        warm_up=1_000,
        epsilon,
        seed,
    ):
        require_batch(batch_size, replay)
        actions = discrete(replay.action_space)
        require_inputs("online", online, [replay.observation_space.shape], "the replay's observations")
        require_outputs("online", online, [(actions,)], f"a value of each action of {replay.action_space}")
        require_new("optimizer", optimizer)
        copy_weights("target", target, "online", online)
        self.online, self.target = online, target
        self.optimizer, self.replay = optimizer, replay
        self.bootstrap = bootstrap
        self.loss = loss
        self.epsilon = epsilon
        self.discount = validation.UNIT.check("discount", discount)
        self.batch_size = validation.integer("batch_size", batch_size)
        self.rollout_length = validation.integer("rollout_length", rollout_length)
        self.updates = validation.integer("updates", updates)
        self.target_every = validation.integer("target_every", target_every)
        self.warm_up = validation.integer("warm_up", warm_up, 0)
        self.polyak = validation.SHARE.check("polyak", polyak)
        self.steps = keras.Variable(0, dtype="int32", trainable=False, name="environment_steps")
        self.updated = keras.Variable(0, dtype="int32", trainable=False, name="gradient_steps")
        self.seed = keras.random.SeedGenerator(seed)
        optimizer.build(online.trainable_variables)
        self.averaging = validation.UNIT.check("averaging", averaging)
        self._policy, self._averaged = averaged(online) if averaging else online, update_counter()
        average = [*self._policy.variables, self._averaged] if averaging else []
        self._learnt = [*online.variables, *target.variables, *optimizer.variables, *replay.variables, self.updated, *average]
        self.variables = [*self._learnt, self.steps, self.seed.state]
        self._gradient = engine.value_and_grad(self._td_loss, online.trainable_variables)
        self._greedy, self._statistics = HostPasses(self._policy), ObservationStatistics(online, self._policy)
        self._exploring = HostPasses(online) if averaging else self._greedy

    def require_place(self, *environments):
        """See `Agent.require_place`."""
        require_place(self.replay.observation_space.shape, self.replay.action_space, (), environments)

    def act(self, observation, start):
        """Epsilon-greedy: observation `[B, ...]` -> (action `[B]` int32, {}). A program."""
        return epsilon_greedy(exploring(self.online, observation), self.exploration_rate(), self.seed), {}

    def host_policy(self, generator=None):
        """A NumPy function, (observation `[B, ...]`, start `[B]`) -> (action `[B]`, {}), over the present weights.

        Epsilon-greedy over the online network with randomness from `generator`; without one the greedy policy.
        """
        if generator is None:
            best = self._greedy.greedy()
            return lambda observation, start: (best(observation).argmax(axis=-1), {})
        values, epsilon = self._exploring.exploring(), float(self.exploration_rate())
        return lambda observation, start: (host_epsilon_greedy(values(observation), epsilon, generator), {})

    def policy_model(self):
        """The greedy policy as a Keras model, to be logged: observation `[B, ...]` -> action values `[B, A]`."""
        return self._policy

    def exploration_rate(self):
        """Epsilon now: 1 while warming up."""
        return ops.where(self.steps.value < self.warm_up, 1.0, self.epsilon(self.steps.value))

    def observe(self, trajectory):
        """Adds a trajectory to the replay and counts its steps. A program."""
        self.replay.add(trajectory)
        self._statistics.update(trajectory)
        self.steps.assign_add(trajectory.reward.shape[0] * trajectory.reward.shape[1])

    def learn(self, trajectory):
        """Adds a trajectory `[T, B]` to the replay, then makes `updates` gradient steps. A program."""
        self.observe(trajectory)
        results = engine.scan(self._update, self._learnt, length=self.updates)
        return {name: ops.mean(values) for name, values in results.items()} | {"epsilon": self.exploration_rate()}

    def _update_targets(self):
        """theta^- <- theta^- + tau (theta - theta^-) before every `target_every`-th gradient step; the first move is a copy."""
        first, due = ops.equal(self.updated.value, 0), ops.equal(self.updated.value % self.target_every, 0)
        for slow, fast in zip(self.target.weights, self.online.weights, strict=True):
            part = fast.value if self.polyak == 1 else slow.value + self.polyak * (fast.value - slow.value)
            slow.assign(ops.where(due, ops.where(first, fast.value, part), slow.value))
        self.updated.assign_add(1)

    def _update(self, _):
        self._update_targets()
        batch = self.replay.sample(self.batch_size)
        next_value = self.bootstrap(greedy(self.online, batch.next_observation), greedy(self.target, batch.next_observation))
        discount = self.discount * (1.0 - ops.cast(batch.terminated, "float32"))
        goal = batch.reward + discount * next_value  # y_j
        (loss, extras), gradients = self._gradient(batch.observation, batch.action, goal)
        self.optimizer.apply(gradients, self.online.trainable_variables)
        if self.averaging:
            update_recent_average(self._policy, self.online, self.averaging, self._averaged)
        norm = ops.sqrt(sum(ops.sum(gradient**2) for gradient in gradients))
        return {"loss": loss, "gradient_norm": norm, **extras}

    def _td_loss(self, observation, action, goal):
        values = learning(self.online, observation)  # [B, A]
        value = ops.take_along_axis(values, action[:, None], axis=-1)[:, 0]  # Q(s_j, a_j)
        error = goal - value
        return ops.mean(self.loss(error)), {"q_value": ops.mean(value), "td_error": ops.mean(ops.abs(error))}
