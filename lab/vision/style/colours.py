"""Style without its colours: the brightness is transferred, the content's colours stay."""

import numpy as np

# Brightness and two differences of colours from red, green and blue: YIQ (NTSC 1953).
YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


def grey_like(style: np.ndarray, content: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(the brightness of a style, of a content), three equal channels each, from -1 to 1.

    The style's gets the content's mean and standard deviation (Gatys et al. 2016, "Preserving color
    in neural artistic style transfer", eq. 10).

    Args:
        style, content: pictures `[H, W, 3]` from -1 to 1.
    """
    grey_style, grey_content = (picture @ YIQ[0] for picture in (style, content))
    spread = grey_content.std() / max(grey_style.std(), 1e-6)
    matched = np.clip((grey_style - grey_style.mean()) * spread + grey_content.mean(), -1, 1)
    return _three(matched), _three(grey_content)


def with_colours(made: np.ndarray, content: np.ndarray) -> np.ndarray:
    """A picture with the brightness of `made` and the colours of `content`, from -1 to 1."""
    yiq = content @ YIQ.T
    yiq[..., 0] = made @ YIQ[0]
    return np.clip(yiq @ np.linalg.inv(YIQ).T, -1, 1).astype("float32")


def _three(grey):
    return np.repeat(grey[..., None], 3, axis=-1).astype("float32")
