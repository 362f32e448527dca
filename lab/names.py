"""Names that command lines take and libraries know, without importing what they stand for."""

import difflib

FAMILIES = (  # of lab.models.FAMILIES
    "lenet5", "vgg11", "vgg13", "vgg16", "vgg19", "googlenet", "inception_v3",
    *(f"{form}{depth}" for form in ("resnet", "preresnet", "plain") for depth in (20, 32, 44, 56, 110, 18, 34, 50, 101, 152)),
    "densenet_bc40", "densenet_bc100", "densenet121", "densenet169", "densenet201", "xception", "mobilenet", "mobilenet_v2",
)  # fmt: skip
GATED = ("gru", "lstm")  # those of Keras with gates, whose biases can be given a time scale
CELLS = ("simple", *GATED, "peephole_lstm", "layer_norm_lstm", "layer_norm_gru", "irnn")  # of lab.models.sequence_network


def require_name(what, value, names):
    """Raises a ValueError with the nearest names unless the value is one of them."""
    if value not in names:
        near = difflib.get_close_matches(str(value), names, n=3, cutoff=0.4)
        meant = f" (nearest: {', '.join(near)})" if near else ""
        raise ValueError(f"{what}: expected one of {', '.join(names)}, received {value!r}{meant}.")
