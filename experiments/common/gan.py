"""What the experiments of GANs share: `GAN.fit`, tracked and checkpointed at the epochs' boundaries."""

import hashlib
import time


def fit(track, gan, x, y=None, *, epochs, batch_size, callbacks=()):
    """`gan.fit`, from the newest checkpoint on; what counts are real samples seen. What is trained on must be what it was."""
    import keras

    from lab.gan.loop import updates_per_epoch

    know(track, x, *(() if y is None else (y,)))
    state = gan.state
    per_epoch = updates_per_epoch(gan, len(x), batch_size) * batch_size * gan.discriminator_steps
    start = track.restore(state) // per_epoch
    every = -(-track.checkpoint_interval() // per_epoch)  # epochs
    clock = [0.0]

    def begin(epoch, logs):
        clock[0] = time.perf_counter()

    def end(epoch, logs):
        seen = (epoch + 1) * per_epoch
        track.log(logs | {"images_per_second": per_epoch / (time.perf_counter() - clock[0])}, seen)
        if (epoch + 1) % every == 0 or epoch + 1 == epochs:
            track.checkpoint(state, seen)

    tracked = keras.callbacks.LambdaCallback(on_epoch_begin=begin, on_epoch_end=end)
    gan.fit(x, y, batch_size, epochs=epochs, initial_epoch=start, verbose=0, callbacks=[*callbacks, tracked])


def know(track, *arrays):
    """Keeps a digest of what is trained on: a resumed run must have the same."""
    import numpy as np

    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    track.fact("data", digest.hexdigest()[:12])


def zero_centred(start, end, updates):
    """R1 and R2 (Huang et al. 2024), whose weight falls exponentially from `start` to `end` over the updates."""
    import keras

    from lab.gan import r1, r2

    gamma = keras.optimizers.schedules.ExponentialDecay(float(start), updates, end / start)
    return r1(gamma), r2(gamma)


def seeds(track, count):
    """Independent seeds from the run's."""
    import numpy as np

    return np.random.SeedSequence(track.seed).generate_state(count).tolist()


log_data_digest = know
