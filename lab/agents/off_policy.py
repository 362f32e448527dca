"""What SAC, TD3 and DDPG share: critics with slow targets, and an actor that learns from a replay."""

import abc

import keras
from keras import ops

from lab import engine, validation
from lab.agents.actor_critic import gradient_norm
from lab.agents.box import UnitBox
from lab.agents.passes import HostPasses, exploring, greedy, learning
from lab.agents.requirements import (
    copy_weights,
    require_apart,
    require_batch,
    require_inputs,
    require_new,
    require_outputs,
    require_place,
)
from lab.agents.spaces import one_line
from lab.agents.statistics import ObservationStatistics


class Critics:
    """Action values Q_i(s, a) of one network or several, and slow copies of them that give the targets of learning.

    The least of the copies' values bootstraps, which counters the overestimation of one alone (clipped double Q-learning,
    Fujimoto et al. 2018, eq. 10). Actions are those of the unit cube.

    Args:
        online, targets: lists of built Keras models, [observation `[N, ...]`, action `[N, D]`] -> `[N]` or `[N, 1]`, of one
            architecture pairwise. The targets start as copies.
        optimizer: a Keras optimizer, of all critics together.
        polyak: tau, the share of the online weights that the targets take over at each `follow`, in [0, 1].
    """

    def __init__(self, online, targets, optimizer, *, polyak=0.005):
        self.online = online
        self.targets = targets
        self.optimizer = optimizer
        self.polyak = validation.UNIT.check("polyak", polyak)
        if len(targets) != len(online) or not online:
            raise ValueError(f"targets: expected one for each online network, {len(online)} > 0, received {len(targets)}.")
        for position, model in enumerate(online):
            _require_value(f"online[{position}]", model)
        names = {
            f"{name}[{k}]": each for name, all_ in (("online", online), ("targets", targets)) for k, each in enumerate(all_)
        }
        require_apart(**names)
        for position, (target, model) in enumerate(zip(targets, online, strict=True)):
            copy_weights(f"targets[{position}]", target, f"online[{position}]", model)
        require_new("optimizer", optimizer)
        self._trainable = [variable for model in online for variable in model.trainable_variables]
        optimizer.build(self._trainable)
        self.variables = [*(v for model in (*online, *targets) for v in model.variables), *optimizer.variables]
        self._gradient = engine.value_and_grad(self._loss, self._trainable)

    def values(self, observation, action):
        """Q_i(s, a) of the online networks, a list of `[N]`, for another model to learn from."""
        return [_value(greedy, model, observation, action) for model in self.online]

    def first(self, observation, action):
        """Q_1(s, a) of the online networks, `[N]`, for another model to learn from."""
        return _value(greedy, self.online[0], observation, action)

    def bootstrap(self, observation, action):
        """min_i Q_i(s, a) of the targets, `[N]`."""
        return least([_value(greedy, model, observation, action) for model in self.targets])

    def fit(self, observation, action, goal):
        """One gradient step on  sum_i E[(goal - Q_i(s, a))^2] / 2. Returns diagnostics. A program."""
        (loss, extras), gradients = self._gradient(observation, action, goal)
        self.optimizer.apply(gradients, self._trainable)
        return {"critic_loss": loss, "gradient_norm": gradient_norm(gradients), **extras}

    def follow(self):
        """The targets take over a share of the online weights. A program."""
        for target, model in zip(self.targets, self.online, strict=True):
            follow(target, model, self.polyak)

    def _loss(self, observation, action, goal):
        values = [_value(learning, model, observation, action) for model in self.online]
        loss = sum(0.5 * ops.mean(ops.square(goal - value)) for value in values)
        return loss, {"q_value": sum(ops.mean(value) for value in values) / len(values)}


def follow(target, model, polyak):
    """theta' <- theta' + tau (theta - theta'), over all weights, moving statistics included. A program."""
    for slow, fast in zip(target.weights, model.weights, strict=True):
        slow.assign(slow.value + polyak * (fast.value - slow.value))


def least(values):
    """The elementwise minimum of a list."""
    smallest = values[0]
    for value in values[1:]:
        smallest = ops.minimum(smallest, value)
    return smallest


def _require_value(name, model):
    shapes = [tuple(output.shape[1:]) for output in getattr(model, "outputs", None) or ()]
    if shapes and shapes not in ([()], [(1,)]):
        require_outputs(name, model, [(1,)], "one value")


def _value(run, model, observation, action):
    return ops.reshape(run(model, [observation, action]), (-1,))


class OffPolicy(abc.ABC):
    """An actor and critics that learn from a replay, for Box actions; a subclass says how it explores and how it learns.

    Args:
        actor: a built Keras model, observation `[B, ...]` -> what the subclass makes actions of.
        critics: `Critics`.
        replay: where transitions are kept, `UniformReplay`.
        action_space: the Box, with finite bounds.
        discount: gamma per environment step, in [0, 1].
        batch_size: transitions per update.
        rollout_length: environment steps (of each environment) between two calls of `learn`.
        groups: calls of `update` per call of `learn`.
        warm_up: environment steps, taken uniformly at random, before learning starts.
        seed: seeds what is random inside compiled programs.
        state: variables of the subclass, its optimizers' included.
    """

    parameters: int  # outputs of the actor, `[B, D]` each
    meaning: str  # what they are

    def __init__(
        self, *, actor, critics, replay, action_space, discount, batch_size, rollout_length, groups, warm_up, seed, state
    ):
        require_batch(batch_size, replay)
        self.actor = self.model = actor  # the model that acts is the one that runs keep
        self.critics = critics
        self.replay = replay
        self.box = UnitBox(action_space)
        seen, done = replay.observation_space.shape, (self.box.dimensions,)
        require_inputs("actor", actor, [seen], "the replay's observations")
        require_outputs("actor", actor, [done] * self.parameters, f"{self.meaning} of {one_line(action_space)}")
        for position, model in enumerate(critics.online):
            require_inputs(f"critics.online[{position}]", model, [seen, done], "observations and actions")
        if replay.action_space != action_space:
            raise ValueError(
                f"replay: expected the actions of {one_line(action_space)}, received {one_line(replay.action_space)}."
            )
        self.discount = validation.UNIT.check("discount", discount)
        self.batch_size = validation.integer("batch_size", batch_size)
        self.rollout_length = validation.integer("rollout_length", rollout_length)
        self.groups = validation.integer("groups", groups)
        self.warm_up = validation.integer("warm_up", warm_up, 0)
        self.steps = keras.Variable(0, dtype="int32", trainable=False, name="environment_steps")
        self.seed = keras.random.SeedGenerator(seed)
        self.variables = [
            *actor.variables, *critics.variables, *state, *replay.variables, self.steps, self.seed.state
        ]  # fmt: skip
        self._host, self._statistics = HostPasses(actor), ObservationStatistics(actor, *critics.online)

    def require_place(self, *environments):
        """See `Agent.require_place`."""
        require_place(self.replay.observation_space.shape, self.replay.action_space, vars(self).values(), environments)

    def act(self, observation, start):
        """Explores, uniformly at random while warming up: observation `[B, ...]` -> (action `[B, D]`, {}). A program."""
        action = self.explore(exploring(self.actor, observation), start)
        anything = keras.random.uniform(ops.shape(action), -1.0, 1.0, seed=self.seed)
        return self.box.from_unit(ops.where(self.steps.value < self.warm_up, anything, action)), {}

    def host_policy(self, generator=None):
        """A NumPy function, (observation `[B, ...]`, start `[B]`) -> (action `[B, D]`, {}), over the present weights.

        As `act`, with randomness from `generator`; greedy without one.
        """
        box = self.box
        if generator is None:
            best = self._host.greedy()
            return lambda observation, start: (box.from_unit(self.host_greedy(best(observation))), {})
        forward = self._host.exploring()
        warming_up = int(self.steps.value) < self.warm_up

        def explore(observation, start):
            action = self.host_explore(forward(observation), start, generator)
            if warming_up:
                action = generator.uniform(-1.0, 1.0, action.shape).astype("float32")
            return box.from_unit(action), {}

        return explore

    def policy_model(self):
        """The greedy policy as a Keras model, to be logged: observation `[B, ...]` -> action in the environment's units."""
        units = keras.layers.Rescaling(self.box.half.tolist(), self.box.middle.tolist(), name="in_units")
        return keras.Model(self.actor.inputs[0], units(self.greedy_output(*self.actor.outputs)), name="policy")

    def observe(self, trajectory):
        """Adds a trajectory to the replay and counts its steps. A program."""
        self.replay.add(trajectory)
        self._statistics.update(trajectory)
        self.steps.assign_add(trajectory.reward.shape[0] * trajectory.reward.shape[1])

    def learn(self, trajectory):
        """Adds a trajectory, then updates; returns the means of the updates' diagnostics. A program."""
        self.observe(trajectory)
        results = engine.scan(lambda _: self.update(), self.variables, length=self.groups)
        return {name: ops.mean(values) for name, values in results.items()}

    def sample(self):
        """A batch of transitions with actions of the unit cube, and gamma, 0 where the episode terminated. A program."""
        batch = self.replay.sample(self.batch_size)
        discount = self.discount * (1.0 - ops.cast(batch.terminated, "float32"))
        return batch._replace(action=self.box.to_unit(batch.action)), discount

    @abc.abstractmethod
    def update(self):
        """One group of gradient steps; returns diagnostics. A program."""

    @abc.abstractmethod
    def explore(self, outputs, start):
        """Actions of the unit cube `[B, D]` from what the actor says. A program."""

    @abc.abstractmethod
    def host_explore(self, outputs, start, generator):
        """`explore` of arrays, with randomness from a NumPy generator."""

    @abc.abstractmethod
    def host_greedy(self, outputs):
        """The best actions of the unit cube `[B, D]`, from arrays."""

    @abc.abstractmethod
    def greedy_output(self, *outputs):
        """The best actions of the unit cube, from the actor's symbolic outputs."""
