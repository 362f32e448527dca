"""An update of a Neural Turing Machine that copies: milliseconds, beside an equal one in torch.

python -m benchmarks.memory_throughput [--rounds 7] [--updates 100]

The task and the sizes are the defaults of `experiments.ntm_copy`: 1 to 10 vectors of 6 bits, 21
steps, batches of 16, a memory of 32 x 16, an LSTM of 64 units, one head that reads and one that
writes; Adam, gradients clipped to a norm of 1; float32, two threads.

Contenders:

torch             all heads at once, a loop over the steps, as is usual
torch, compiled   the same through `torch.compile`, where this machine has a C++ compiler for it
lab, tensorflow   `Training.fit`
lab, jax          the same source

Each contender has a process of its own, and they take turns. A turn is an epoch of `--updates`.
Reported: the ratios of times to torch's in each round, and their medians.
"""

import argparse
import dataclasses
import shutil

from benchmarks.contender import Contender, serve, take_turns
from benchmarks.machine import describe, keep

CONTENDERS = {
    "torch": ("torch", "tensorflow"),
    "torch, compiled": ("torch-compiled", "tensorflow"),
    "lab, tensorflow": ("lab", "tensorflow"),
    "lab, jax": ("lab", "jax"),
}
BATCH, BITS, LONGEST = 16, 6, 10
SLOTS, WIDTH, UNITS, HEADS = 32, 16, 64, 2  # the heads: one reads, one writes


def sequences(updates):
    """As many as so many updates need."""
    from lab.data import copy_bits

    return copy_bits(BATCH * updates, bits=BITS, lengths=(1, LONGEST), seed=0)


def lab(updates):
    """`Training.fit`."""
    from experiments import ntm_copy
    from experiments.common import memory_networks
    from lab.losses import masked_binary_crossentropy, wrong_bits
    from lab.supervised import Training

    config = ntm_copy.Config(epochs=1, samples=BATCH * updates, schedule="constant")
    data = sequences(updates)
    network = memory_networks.network(config, BITS + 1, BITS, seed=0)
    training = Training(
        network,
        config,
        steps_per_epoch=updates,
        loss=masked_binary_crossentropy,
        metrics=[wrong_bits],
        optimizer=memory_networks.optimizer(config),
        seed=0,
    )
    done = [0]

    def go(_):
        training.recipe = dataclasses.replace(config, epochs=done[0] + 1)
        training.fit(data.x, data.targets, initial_epoch=done[0])
        done[0] += 1
        return updates

    return go


def torch_network():
    """The same network in torch."""
    import torch
    from torch import nn
    from torch.nn import functional

    class NTM(nn.Module):
        def __init__(self):
            super().__init__()
            self.controller = nn.LSTMCell(BITS + 1 + WIDTH, UNITS)
            self.sizes = [HEADS * WIDTH, HEADS, HEADS, HEADS * 3, HEADS, WIDTH, WIDTH]
            self.interface = nn.Linear(UNITS, sum(self.sizes))
            self.readout = nn.Linear(UNITS + WIDTH, BITS)

        def forward(self, x):
            batch = x.shape[0]
            h, c = x.new_zeros(batch, UNITS), x.new_zeros(batch, UNITS)
            read = x.new_zeros(batch, WIDTH)
            memory = x.new_full((batch, SLOTS, WIDTH), 1e-6)
            weights = x.new_zeros(batch, HEADS, SLOTS)
            weights[:, :, 0] = 1
            outputs = []
            for step in range(x.shape[1]):
                h, c = self.controller(torch.cat([x[:, step], read], 1), (h, c))
                sent = self.interface(h.clamp(-20, 20)).clamp(-20, 20)
                keys, strengths, gates, shifts, powers, erase, add = sent.split(self.sizes, 1)
                keys = torch.tanh(keys).view(batch, HEADS, WIDTH)
                norms = (keys.square().sum(2) + 1e-6).sqrt()[:, :, None] * (memory.square().sum(2) + 1e-6).sqrt()[:, None]
                cosine = keys @ memory.transpose(1, 2) / norms
                content = torch.softmax(functional.softplus(strengths)[:, :, None] * cosine, 2)
                gate = torch.sigmoid(gates)[:, :, None]
                gated = gate * content + (1 - gate) * weights
                moves = torch.softmax(shifts.view(batch, HEADS, 3), 2)
                moved = sum(moves[:, :, i : i + 1] * gated.roll(i - 1, 2) for i in range(3))
                weights = torch.softmax((1 + functional.softplus(powers))[:, :, None] * torch.log(moved + 1e-6), 2)
                read = (weights[:, :1] @ memory)[:, 0]
                written = weights[:, 1, :, None]
                memory = memory * (1 - written * torch.sigmoid(erase)[:, None]) + written * torch.tanh(add)[:, None]
                outputs.append(self.readout(torch.cat([h, read], 1)))
            return torch.stack(outputs, 1)

    return NTM()


def in_torch(updates, compiled=False):
    """The same in torch."""
    import torch

    torch.set_num_threads(2)
    torch.manual_seed(0)
    network = torch_network()
    forward = torch.compile(network) if compiled else network
    optimizer = torch.optim.Adam(network.parameters(), 1e-2, (0.9, 0.99))
    x, y, mask = map(torch.tensor, sequences(updates))
    loss = torch.nn.BCEWithLogitsLoss(reduction="none")

    def go(_):
        wrong = 0
        for chosen in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            logits, due = forward(x[chosen]), mask[chosen][:, :, None]
            value = (loss(logits, y[chosen]) * due).sum() / (BITS * due.sum())
            value.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            wrong += int((((logits > 0) != (y[chosen] > 0.5)) * due).sum())
        return updates

    return go


def main():
    """Runs the comparison and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="turns of each contender")
    parser.add_argument("--updates", type=int, default=100, help="updates in a turn")
    parser.add_argument("--serve", nargs=2, metavar=("KIND", "UPDATES"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        kind, updates = given.serve[0], int(given.serve[1])
        serve(lab(updates) if kind == "lab" else in_torch(updates, kind == "torch-compiled"), updates)
        return
    chosen = {name: how for name, how in CONTENDERS.items() if "compiled" not in name or shutil.which("g++")}
    contenders = {
        name: Contender("benchmarks.memory_throughput", kind, given.updates, backend=backend)
        for name, (kind, backend) in chosen.items()
    }
    rows = take_turns(contenders, given.rounds, given.updates, ["torch"], batch=BATCH)
    keep("memory_throughput", {"rows": rows, "updates": given.updates} | describe("tensorflow", "jax", "torch", "keras"))


if __name__ == "__main__":
    main()
