"""How far apart two textures are: patches of a Laplacian pyramid, and the power spectrum."""

import numpy as np
from numpy.typing import ArrayLike

from lab import validation

PATCHES = 20_000  # of a level at most
BINOMIAL = np.array([1, 4, 6, 4, 1]) / 16  # the filter of Burt and Adelson 1983


def laplacian_pyramid(picture: ArrayLike, levels: int) -> list[np.ndarray]:
    """What a picture has at each scale: `levels` arrays, from fine to coarse.

    Each level is the picture minus its blurred version, of which every second pixel makes the next
    one. The last level is what is left. Burt and Adelson 1983 subtract the enlarged next level, so
    that the picture can be put together again; here nothing is.

    Args:
        picture: `[H, W, C]`.
        levels: of the pyramid.
    """
    from scipy.ndimage import convolve1d

    def blurred(x):
        return convolve1d(convolve1d(x, BINOMIAL, axis=0, mode="mirror"), BINOMIAL, axis=1, mode="mirror")

    picture, found = np.asarray(picture, "float64"), []
    for _ in range(validation.integer("levels", levels) - 1):
        smooth = blurred(picture)
        found.append(picture - smooth)
        picture = smooth[::2, ::2]
    return [*found, picture]


def sliced_wasserstein(
    one: ArrayLike, other: ArrayLike, *, levels: int = 3, patch: int = 7, directions: int = 256, seed: int = 0
) -> float:
    """The sliced Wasserstein distance of the patches of two pictures, the mean over levels.

    Patches of each level of the Laplacian pyramid are projected on random directions. On each
    direction the distance of two samples of numbers is the mean difference of their quantiles:

        mean over directions d of integral over q of |F_one^-1(q) - F_other^-1(q)|

    Source: Rabin et al. 2011; of Laplacian pyramids Karras et al. 2018, section 5.

    Difference from the latter: numbers of a level are divided by the standard deviation of the
    other picture's level, not of each picture's own. So contrast and colour count.

    Args:
        one, other: pictures `[H, W, C]` and `[H', W', C]`. The other one is the reference.
        levels: of the pyramid.
        patch: pixels on a side of a patch.
        directions: of each level.
        seed: of the directions, and of the places of patches where there are more than 20,000.
    """
    one, other = np.asarray(one, "float64"), np.asarray(other, "float64")
    least = validation.integer("patch", patch) * 2 ** (validation.integer("levels", levels) - 1)
    for name, picture in (("one", one), ("other", other)):
        if picture.ndim != 3 or min(picture.shape[:2]) < least or picture.shape[-1] != one.shape[-1]:
            channels = one.shape[-1] if one.ndim == 3 else "C"
            raise ValueError(f"{name}: expected [H, W, {channels}], H and W >= {least}, received {list(picture.shape)}.")
    rng = np.random.default_rng(seed)
    found = []
    for mine, theirs in zip(laplacian_pyramid(one, levels), laplacian_pyramid(other, levels), strict=True):
        lines = rng.normal(size=(patch * patch * one.shape[-1], validation.integer("directions", directions)))
        lines /= np.linalg.norm(lines, axis=0)
        spread = max(float(theirs.std()), 1e-6)
        quantiles = [_quantiles(_patches(level, patch, rng) @ (lines / spread)) for level in (mine, theirs)]
        found.append(np.abs(quantiles[0] - quantiles[1]).mean())
    return float(np.mean(found))


def spectrum_distance(one: ArrayLike, other: ArrayLike) -> float:
    """How far apart the power spectra of two pictures of one size are, in decibels.

        mean over rings r of |10 log10 P_one(r) - 10 log10 P_other(r)|

    P(r) is the mean power of the brightness at frequencies of about r periods per picture. Of a
    texture it says how coarse it is, whatever the places of its parts.

    Args:
        one, other: pictures `[H, W, C]`.
    """
    one, other = (np.asarray(picture, "float64") for picture in (one, other))
    if one.ndim != 3 or one.shape[:2] != other.shape[:2]:
        raise ValueError(f"one: expected two pictures [H, W, C] of one size, received {one.shape} and {other.shape}.")
    powers = [10 * np.log10(_rings(picture.mean(axis=-1)) + 1e-12) for picture in (one, other)]
    return float(np.abs(powers[0] - powers[1]).mean())


def _rings(grey):
    """The mean power at about 1, 2, ... periods per shorter side."""
    power = np.abs(np.fft.fft2(grey - grey.mean())) ** 2 / grey.size
    height, width = grey.shape
    side = min(height, width)
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(height) * side, np.fft.fftfreq(width) * side, indexing="ij"))
    ring = np.round(radius).astype(int).ravel()
    sums, counts = np.bincount(ring, power.ravel()), np.bincount(ring)
    return (sums / np.maximum(counts, 1))[1 : side // 2 + 1]


def _patches(level, patch, rng):
    """Patches `[N, patch * patch * C]`: all, or so many at random places."""
    windows = np.lib.stride_tricks.sliding_window_view(level, (patch, patch), axis=(0, 1))
    height, width = windows.shape[:2]
    if height * width <= PATCHES:
        return windows.reshape(height * width, -1)
    rows, columns = np.divmod(rng.choice(height * width, PATCHES, replace=False), width)
    return windows[rows, columns].reshape(PATCHES, -1)


def _quantiles(values, count=512):
    """`count` quantiles of each column: the values at these places in their order."""
    places = ((np.arange(count) + 0.5) / count * len(values)).astype(int)
    return np.sort(values, axis=0)[places]
