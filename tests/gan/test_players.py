"""Players that do not match, and which labels they know."""

from lab.gan import Codes, acgan, extragradient, infogan
from lab.models import dcgan_discriminator, dcgan_generator
from tests.contracts import raises
from tests.gan.players import gan, linear


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
    with raises("discriminator: expected an output beside the logits"):
        gan(auxiliary=acgan(), classes=3)
    with raises("classes: expected the number of labels, for the auxiliary loss takes them, received None"):
        gan(discriminator=linear(2, 1, 1, extra=3), auxiliary=acgan())
    labelled = linear(2, 2, 0, labels=3)
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
        gan(play=extragradient)
    with raises("ema: expected a number in"):
        gan(ema=1.0)
    with raises("discriminator_steps: expected an integer >= 1, received 0"):
        gan(discriminator_steps=0)
