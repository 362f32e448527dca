"""Players that do not match, and which labels they know."""

import keras
import pytest

from lab.gan import Codes, acgan, diff_augment, extragradient, infogan, r1
from lab.models import dcgan_discriminator, dcgan_generator
from tests.contracts import raises
from tests.gan.players import gan, linear, samples


def test_players_that_do_not_match():
    with raises([r"discriminator: expected inputs as the generator makes them, \(2,\)", r"received \(3,\)"]):
        gan(discriminator=linear(3, 1, 0))
    with raises([r"expected inputs as the generator makes them, \(4,\), 2 at once", r"received \(2,\)"]):
        gan(discriminator=linear(2, 1, 0), pac=2)
    with raises("latent: expected 2 numbers, which the generator takes, received 9"):
        gan(latent=Codes(noise=3, categories=(4,), continuous=2))
    with raises("classes: expected the number of labels, for a player takes them, received None"):
        gan(generator=linear(2, 2, 0, labels=3))
    with raises("pac: expected 1 with labels or an auxiliary loss, received 2"):
        gan(generator=linear(2, 2, 0, labels=3), classes=3, pac=2)
    labelled = linear(2, 2, 0, labels=3)
    with raises("discriminator: expected an output beside the logits"):
        gan(generator=labelled, auxiliary=acgan(), classes=3)
    with raises("classes: expected the number of labels, for the auxiliary loss takes them, received None"):
        gan(discriminator=linear(2, 1, 1, extra=3), auxiliary=acgan())
    with raises("generator: expected one that takes labels, for the auxiliary loss asks for them, received one without"):
        gan(discriminator=linear(2, 1, 1, extra=3), auxiliary=acgan(), classes=3)
    with raises([r"second output of shape \(3,\)", r"received \(5,\)"]):
        gan(generator=labelled, discriminator=linear(2, 1, 1, extra=5), auxiliary=acgan(), classes=3)
    codes = Codes(noise=2, categories=(10,), continuous=2)
    with raises([r"second output of shape \(12,\)", r"received \(11,\)"]):
        gan(generator=linear(14, 2, 0), discriminator=linear(2, 1, 1, extra=11), auxiliary=infogan(codes), latent=codes)
    with raises("pac: expected 1 with labels or an auxiliary loss, received 2"):
        gan(generator=linear(14, 2, 0), discriminator=linear(4, 1, 1, extra=12), auxiliary=infogan(codes), latent=codes, pac=2)
    with raises([r"discriminator: expected logits of shape \(1,\)", r"received \(4,\)"]):
        gan(discriminator=linear(2, 4, 0))
    shape = {"size": 28, "channels": 1, "filters": 2}
    for known, other in ((3, 4), (4, 3)):
        players = {"generator": dcgan_generator(latent=2, classes=known, seed=0, **shape)}
        players |= {"discriminator": dcgan_discriminator(classes=other, seed=0, **shape)}
        name = "generator" if known == 3 else "discriminator"
        with raises(f"classes: expected at most 3, which the {name} knows, received 4"):
            gan(classes=4, **players)
    assert gan(classes=3, **players).classes == 3
    with raises("extragradient expected two ExtraGradient optimizers and 2 discriminator steps, received SGD and 1"):
        gan(update_rule=extragradient)
    with raises("ema: expected a number"):
        gan(ema=1.0)
    with raises("discriminator_steps: expected an integer >= 1, received 0"):
        gan(discriminator_steps=0)
    with raises("clip: expected a number > 0, received -0.01"):
        gan(clip=-0.01)


def embedded(classes):
    """A generator whose labels go through a model of their own."""
    inputs = [keras.Input((2,)), keras.Input((), dtype="int32")]
    inner = keras.Sequential([keras.Input((), dtype="int32"), keras.layers.Embedding(classes, 2)])
    return keras.Model(inputs, keras.layers.Dense(2)(inputs[0] + inner(inputs[1])))


@pytest.mark.parametrize("generator", [embedded, lambda classes: linear(2, 2, 0, labels=classes)], ids=["nested", "one-hot"])
def test_classes_that_a_player_does_not_know(generator):
    with raises("classes: expected at most 3, which the generator knows, received 5"):
        gan(generator=generator(3), classes=5)
    assert gan(generator=generator(5), classes=5).classes == 5


def test_parts_of_another_kind():
    with raises("generator: expected a model with inputs of known shape, functional or built, received Sequential"):
        gan(generator=keras.Sequential([keras.layers.Dense(2)]))
    with raises("objective: expected one of lab.losses.adversarial, received 'hinge'"):
        gan("hinge")
    for penalties in (r1(1.0), ("r1",)):
        with raises("penalties: expected several of lab.gan.Penalty, or none, received"):
            gan(penalties=penalties)
    with raises("penalties: expected gradient_at real, fake or None, received 'middle'"):
        gan(penalties=(r1()._replace(gradient_at="middle"),))
    with raises([r"augment: expected a function, such as diff_augment gives, received \('colour',\)"]):
        gan(augment=("colour",))
    with raises("generator_optimizer: expected a Keras optimizer, such as lab.optimizers.Adam.*, received 'adam'"):
        gan(optimizer=lambda: "adam")
    used = [keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1)]
    gan(optimizer=iter(used).__next__)
    with raises("generator_optimizer: expected a new optimizer, received one that belongs to another model"):
        gan(optimizer=iter(used).__next__)
    one = keras.optimizers.SGD(0.1)
    with raises("discriminator_optimizer: expected another than the generator's, received the same"):
        gan(optimizer=lambda: one)
    with raises("shift: expected a number"):
        diff_augment(shift=-1.0)
    with raises("hole: expected a number"):
        diff_augment(hole=5)
    with raises("continuous: expected an integer >= 0, received -1"):
        Codes(continuous=-1)


def ending(*layers, inputs=2):
    """A player of these layers."""
    return keras.Sequential([keras.Input((inputs,)), *layers])


def test_players_that_end_in_probabilities():
    with raises("discriminator: expected logits, received probabilities; leave out the sigmoid at its end"):
        gan(discriminator=ending(keras.layers.Dense(1, activation="sigmoid")))
    reader = keras.Input((2,))
    classes = keras.layers.Dense(3, activation="softmax")(reader)
    with raises("discriminator: expected logits, received probabilities; leave out the softmax at its end"):
        gan(
            generator=linear(2, 2, 0, labels=3),
            classes=3,
            auxiliary=acgan(),
            discriminator=keras.Model(reader, [keras.layers.Dense(1)(reader), classes]),
        )
    critic = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    with raises("generator: expected images from -1 to 1, as tanh makes them, received one that ends in a sigmoid"):
        gan(
            generator=ending(keras.layers.Dense(4, activation="sigmoid"), keras.layers.Reshape((2, 2, 1))), discriminator=critic
        )


def test_optimizers_are_not_taken_by_players_that_do_not_match():
    optimizers = [keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1)]
    with raises("discriminator: expected inputs"):
        gan(discriminator=linear(3, 1, 0), optimizer=iter(optimizers).__next__)
    subject = gan(optimizer=iter(optimizers).__next__)
    subject.fit(samples(), batch_size=32, verbose=0)
    assert int(subject.generator_optimizer.iterations) == 2
