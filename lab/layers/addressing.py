"""How a network addresses an external memory: pure functions that all memory cells share.

Shapes: B batch, H heads, N slots, W numbers in a slot. A weighting `[B, H, N]` says how much each
head attends to each slot. The functions compute in the type of their arguments; cells pass float32.

Sources: Graves et al. 2014 (NTM), Graves et al. 2016 (DNC), Santoro et al. 2016 (MANN),
Csordas and Schmidhuber 2019 (masks and sharpening).
"""

from keras import ops

from lab.engine.types import Tensor

EPSILON = 1e-6


def cosine_similarity(memory: Tensor, keys: Tensor, masks: Tensor | None = None) -> Tensor:
    """The cosine of the angle between each key and each slot, `[B, H, N]`.

        K(k, M_i) = k · M_i / (|k| |M_i|),   |x| = sqrt(x · x + epsilon)

    With masks m in 0..1 both vectors are multiplied by m first (Csordas and Schmidhuber 2019).
    At zero the cosine and its gradient are finite.

    Args:
        memory: `[B, N, W]`.
        keys: `[B, H, W]`.
        masks: `[B, H, W]`.
    """
    if masks is None:
        norms = _norm(memory)[:, None]  # [B, 1, N]
    else:
        squares = ops.matmul(masks * masks, ops.transpose(memory * memory, (0, 2, 1)))  # |m * M_i|^2, [B, H, N]
        norms = ops.sqrt(squares + EPSILON)
        keys = keys * masks
    products = ops.matmul(keys if masks is None else keys * masks, ops.transpose(memory, (0, 2, 1)))
    return products / (_norm(keys)[..., None] * norms)


def content_weights(memory: Tensor, keys: Tensor, strengths: Tensor, masks: Tensor | None = None) -> Tensor:
    """Weights by similarity, `[B, H, N]`.

        w = softmax_i(beta K(k, M_i))

    Source: Graves et al. 2014, eq. 5; Graves et al. 2016, C(M, k, beta).

    Args:
        memory: `[B, N, W]`.
        keys: `[B, H, W]`.
        strengths: beta, `[B, H]`.
        masks: `[B, H, W]`, or None for none.
    """
    return ops.softmax(strengths[..., None] * cosine_similarity(memory, keys, masks), axis=-1)


def interpolate(new: Tensor, old: Tensor, gates: Tensor) -> Tensor:
    """w = g w_new + (1 - g) w_old, with gates g `[B, H]` (Graves et al. 2014, eq. 7)."""
    gates = gates[..., None]
    return gates * new + (1 - gates) * old


def shift(weights: Tensor, shifts: Tensor) -> Tensor:
    """Circular convolution: attention moves along the slots, `[B, H, N]`.

        w'(i) = sum_j w(i - j) s(j)

    Slot N - 1 is beside slot 0. Source: Graves et al. 2014, eq. 8.

    Args:
        weights: `[B, H, N]`.
        shifts: s, `[B, H, S]`, S odd: the probabilities of the moves -(S // 2) to S // 2.
    """
    reach = shifts.shape[-1] // 2
    moves = range(-reach, reach + 1)
    moved = ops.stack([ops.roll(weights, move, axis=-1) for move in moves], axis=-1)  # [B, H, N, S]
    return ops.sum(moved * shifts[:, :, None, :], axis=-1)


def sharpen(weights: Tensor, powers: Tensor) -> Tensor:
    """w_i^gamma / sum_j w_j^gamma, with powers gamma >= 1 `[B, H]`.

    It is computed as softmax(gamma log(w + epsilon)), so that no power underflows.
    Source: Graves et al. 2014, eq. 9.
    """
    return ops.softmax(powers[..., None] * ops.log(weights + EPSILON), axis=-1)


def read(memory: Tensor, weights: Tensor) -> Tensor:
    """r = sum_i w_i M_i, `[B, H, W]` (Graves et al. 2014, eq. 2)."""
    return ops.matmul(weights, memory)


def write(memory: Tensor, weights: Tensor, erase: Tensor, add: Tensor) -> Tensor:
    """The memory after all heads have erased, then added.

        M_i' = M_i prod_h (1 - w_hi e_h) + sum_h w_hi a_h

    Source: Graves et al. 2014, eq. 3 and 4.

    Args:
        memory: `[B, N, W]`.
        weights: `[B, H, N]`.
        erase: e in 0..1, `[B, H, W]`.
        add: a, `[B, H, W]`.
    """
    kept = 1 - weights[..., None] * erase[:, :, None, :]  # [B, H, N, W]
    kept = kept[:, 0] if kept.shape[1] == 1 else ops.prod(kept, axis=1)
    return memory * kept + ops.matmul(ops.transpose(weights, (0, 2, 1)), add)


def usage(before: Tensor, written: Tensor, retention: Tensor) -> Tensor:
    """How much each slot is in use, `[B, N]`, in 0..1.

        u = (u + w - u w) psi

    Source: Graves et al. 2016, "Dynamic memory allocation".

    Args:
        before: u of the step before, `[B, N]`.
        written: w, the write weights of the step before, `[B, N]`.
        retention: psi, `[B, N]`; see `retention`.
    """
    return (before + (1 - before) * written) * retention


def retention(free_gates: Tensor, read_weights: Tensor) -> Tensor:
    """The share of each slot that no read head frees, `[B, N]`.

        psi = prod_h (1 - f_h w_h)

    Args:
        free_gates: f in 0..1, `[B, H]`.
        read_weights: w of the step before, `[B, H, N]`.
    """
    return ops.prod(1 - free_gates[..., None] * read_weights, axis=1)


def allocation(used: Tensor) -> Tensor:
    """The weights of a write into the slot that is used least, `[B, N]`.

        a_i = (1 - u_i) prod_{j before i} u_j

    Slots are ordered by their usage, equal ones by their number. The paper sorts. Here each pair
    of slots is compared, which needs neither the sort nor its inverse, and the product is a sum
    of logarithms. Usage is at least epsilon in the product.

    Source: Graves et al. 2016, eq. 1.
    """
    used = EPSILON + (1 - EPSILON) * used
    slots = ops.arange(used.shape[-1])
    one, other = used[:, :, None], used[:, None, :]  # i, j
    earlier = ops.logical_or(other < one, ops.logical_and(other == one, slots[None, :] < slots[:, None]))
    logarithms = ops.sum(ops.where(earlier, ops.log(other), 0.0), axis=-1)
    return (1 - used) * ops.exp(logarithms)


def link(before: Tensor, precedence: Tensor, written: Tensor) -> Tensor:
    """L'(i, j): the degree to which slot i was written right after slot j, `[B, N, N]`.

        L'(i, j) = (1 - w_i - w_j) L(i, j) + w_i p_j,   L'(i, i) = 0

    Source: Graves et al. 2016, "Temporal memory linkage".

    Args:
        before: L, `[B, N, N]`.
        precedence: p of the step before, `[B, N]`.
        written: w, `[B, N]`.
    """
    w_i, w_j = written[:, :, None], written[:, None, :]
    others = 1 - ops.eye(written.shape[-1], dtype=written.dtype)
    return others * ((1 - w_i - w_j) * before + w_i * precedence[:, None, :])


def precede(before: Tensor, written: Tensor) -> Tensor:
    """p' = (1 - sum_i w_i) p + w: the degree to which each slot was written last, `[B, N]`."""
    return (1 - ops.sum(written, axis=-1, keepdims=True)) * before + written


def follow(links: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Attention one write later and one write earlier: L w and L^T w, each `[B, H, N]`.

    Args:
        links: L, `[B, N, N]`.
        weights: read weights of the step before, `[B, H, N]`.
    """
    return ops.matmul(weights, ops.transpose(links, (0, 2, 1))), ops.matmul(weights, links)


def least_used(used: Tensor, count: int) -> Tensor:
    """One-hot weights of the `count` slots that are used least, `[B, count, N]`.

    The least used is first. Of equal ones the first counts.
    """
    _, slots = ops.top_k(-used, count)
    return ops.one_hot(slots, used.shape[-1], dtype=used.dtype)


def _norm(vectors):
    return ops.sqrt(ops.sum(vectors * vectors, axis=-1) + EPSILON)
