"""What the experiments of GANs share: `GAN.fit`, tracked, with checkpoints between epochs."""

import hashlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras
    import numpy as np

    from lab.gan import GAN, Penalty


def fit(
    track: Any,
    gan: "GAN",
    x: "np.ndarray",
    y: "np.ndarray | None" = None,
    *,
    epochs: int,
    batch_size: int,
    callbacks: Sequence["keras.callbacks.Callback"] = (),
) -> None:
    """`gan.fit` from the newest checkpoint on. Progress is counted in real samples seen.

    A resumed run must have the same data as before.
    """
    import keras

    from lab.gan import loop

    log_data_digest(track, x, *(() if y is None else (y,)))
    state = gan.state
    samples_per_epoch = (
        loop.updates_per_epoch(gan, loop.samples_per_epoch(gan, x, y), batch_size) * batch_size * gan.discriminator_steps
    )
    start = track.restore(state) // samples_per_epoch
    epochs_per_checkpoint = -(-track.checkpoint_interval() // samples_per_epoch)
    clock = [0.0]

    def begin(epoch, logs):
        clock[0] = time.perf_counter()

    def end(epoch, logs):
        seen = (epoch + 1) * samples_per_epoch
        track.log(logs | {"images_per_second": samples_per_epoch / (time.perf_counter() - clock[0])}, seen)
        if (epoch + 1) % epochs_per_checkpoint == 0 or epoch + 1 == epochs:
            track.checkpoint(state, seen)

    tracked = keras.callbacks.LambdaCallback(on_epoch_begin=begin, on_epoch_end=end)
    gan.fit(x, y, batch_size, epochs=epochs, initial_epoch=start, verbose=0, callbacks=[*callbacks, tracked])


def log_data_digest(track: Any, *arrays: "np.ndarray") -> None:
    """Records a digest of the training data. A resumed run must have the same."""
    import numpy as np

    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    track.fact("data", digest.hexdigest()[:12])


def zero_centred(start: float, end: float, updates: int) -> tuple["Penalty", "Penalty"]:
    """R1 and R2 (Huang et al. 2024), with a weight that falls exponentially over the updates."""
    import keras

    from lab.gan import r1, r2

    gamma = keras.optimizers.schedules.ExponentialDecay(float(start), updates, end / start)
    return r1(gamma), r2(gamma)


def seeds(track: Any, count: int) -> list[int]:
    """Independent seeds from the run's."""
    import numpy as np

    return np.random.SeedSequence(track.seed).generate_state(count).tolist()
