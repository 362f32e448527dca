"""FCOS of this project and of torchvision, trained from scratch on the same pictures.

python -m benchmarks.fcos_torchvision [--scenes 4000] [--epochs 10]

The scenes are those of `detect_glyphs`, with the same changes in each epoch. Both detectors have
the same shape: a ResNet-18 of half the channels up to stride 16, a pyramid of 64 channels at
strides 4, 8 and 16, and towers of two convolutions. Both have the recipe of `detect_glyphs` in
float32: Adam, its step size over time, clipped gradients, averaged weights.

Each has a process of its own, and they take turns of an epoch. Reported: milliseconds of an update
in each turn, batches included, augmentation not; and AP on the test scenes by
`lab.metrics.average_precision`. In the first turn programs are compiled: ratios leave it out. Of
torchvision's answers all scores from 0.05 on count, for its usual 0.2 would lower its AP.

Where torchvision's compiled operators do not fit torch's build, suppression of its answers is in
Python here. Training needs none of these operators.
"""

import argparse
import importlib
import json
import math
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.contender import Contender
from benchmarks.machine import describe, keep
from experiments.common import detection, scenes
from experiments.detect_glyphs import Config
from lab.runs import machine

STRIDES = (4, 8, 16)
WIDTHS = (32, 64, 128)
SEED = 0


class Turns:
    """The child's side: waits for its turn, and says how long it took."""

    def begin(self):
        """Returns when the parent says so."""
        print("ready", flush=True) if not hasattr(self, "began") else None
        sys.stdin.readline()
        self.began = time.perf_counter()

    def end(self, steps):
        """Ends a turn of so many updates."""
        print(json.dumps([steps, time.perf_counter() - self.began]), flush=True)


def changed(config, train, epoch):
    """The scenes of an epoch, as both see them: pictures and objects."""
    return detection.boxes_of(scenes.changed(config, train, SEED + 7, epoch))


def lab(config, train, turns):
    """Trains this project's. Returns a function of pictures -> detections."""
    import keras

    from lab.supervised import Training

    found = detection.detector(config, 10, most=config.most, seeds=(SEED, SEED + 1))
    steps, recipe = len(train.images) // config.batch_size, replace(config, shift=0, rotation=0.0)
    training = Training(found.network, recipe, steps_per_epoch=steps, loss=found.loss, metrics=[], seed=SEED)
    told = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: turns.begin(), on_epoch_end=lambda epoch, logs: turns.end(steps)
    )
    training.fit(lambda epoch: changed(config, train, epoch), callbacks=[told])
    return lambda images: detection.detections(found, training, images)


def torchvision(config, train, turns):
    """Trains torchvision's. Returns a function of pictures -> detections."""
    import numpy as np
    import torch
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    torch.manual_seed(SEED)
    torch.set_num_threads(machine.cores())
    model = torch_fcos(config.depth, config.channels)
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.ema), use_buffers=True)
    optimizer = torch.optim.Adam(model.parameters(), config.learning_rate)
    steps = len(train.images) // config.batch_size
    warm, total = round(config.warm_up * steps), config.epochs * steps

    def rate(step):
        return step / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / max(total - warm, 1)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    for epoch in range(config.epochs):
        images, objects = changed(config, train, epoch)
        order = np.random.default_rng([SEED, epoch]).permutation(len(images))
        turns.begin()
        model.train()
        for start in range(0, steps * config.batch_size, config.batch_size):
            chosen = order[start : start + config.batch_size]
            losses = model(as_pictures(images[chosen]), [as_targets(each) for each in objects[chosen]])
            optimizer.zero_grad()
            sum(losses.values()).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
            optimizer.step()
            schedule.step()
            averaged.update_parameters(model)
        turns.end(steps)
    return lambda images: torch_detections(averaged.module.eval(), images)


def as_pictures(images):
    """Pictures as torchvision takes them: a list of [3, H, W], 0 to 1."""
    import torch

    return list(torch.tensor(images).permute(0, 3, 1, 2).float() / 255)


def as_targets(objects):
    """The objects of a picture, without the padding."""
    import torch

    objects = torch.tensor(objects[objects[:, 4] >= 0])
    return {"boxes": objects[:, :4], "labels": objects[:, 4].long()}


def torch_fcos(depth, channels):
    """torchvision's FCOS on a small ResNet of its blocks, with a pyramid of its own."""
    import_torchvision()
    from torch import nn
    from torchvision.models.detection import FCOS
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.fcos import FCOSHead
    from torchvision.models.resnet import BasicBlock
    from torchvision.ops import FeaturePyramidNetwork

    def stage(start, end, stride):
        shortcut = None
        if stride > 1:
            shortcut = nn.Sequential(nn.Conv2d(start, end, 1, stride, bias=False), nn.BatchNorm2d(end))
        return nn.Sequential(BasicBlock(start, end, stride, shortcut), BasicBlock(end, end))

    class Backbone(nn.Module):
        out_channels = channels

        def __init__(self):
            super().__init__()
            stem = [nn.Conv2d(3, WIDTHS[0], 7, 2, 3, bias=False), nn.BatchNorm2d(WIDTHS[0]), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
            self.stem = nn.Sequential(*stem)
            pairs = zip((WIDTHS[0], *WIDTHS), WIDTHS, (1, 2, 2))
            self.stages = nn.ModuleList([stage(*each) for each in pairs])
            self.pyramid = FeaturePyramidNetwork(list(WIDTHS), channels)

        def forward(self, x):
            x, maps = self.stem(x), {}
            for number, each in enumerate(self.stages):
                x = maps[str(number)] = each(x)
            return self.pyramid(maps)

    return FCOS(
        Backbone(),
        num_classes=10,
        min_size=128,
        max_size=128,
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
        anchor_generator=AnchorGenerator(tuple((stride,) for stride in STRIDES), ((1.0,),) * len(STRIDES)),
        head=FCOSHead(channels, 1, 10, num_convs=depth),
        score_thresh=0.05,
    )


def import_torchvision():
    """Imports torchvision, if need be with suppression in Python."""
    import torch

    try:
        importlib.import_module("torchvision")
        return
    except RuntimeError:  # operator torchvision::nms does not exist
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
    global LIBRARY  # which has to live on
    LIBRARY = torch.library.Library("torchvision", "DEF")
    LIBRARY.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    LIBRARY.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    importlib.import_module("torchvision.ops.boxes").nms = _suppressed


def _suppressed(boxes, scores, threshold):
    """The places of the boxes that are kept, by falling score."""
    import numpy as np
    import torch

    from lab.metrics.average_precision import box_overlaps

    order, boxes = np.argsort(-scores.numpy(), kind="stable"), boxes.numpy().astype("float64")
    overlaps, kept = box_overlaps(boxes, boxes), []
    left = np.ones(len(boxes), bool)
    for index in order:
        if left[index]:
            kept.append(index)
            left &= overlaps[index] <= threshold
    return torch.tensor(kept, dtype=torch.long)


def torch_detections(model, images):
    """What it finds in pictures."""
    import torch

    from lab.metrics import Detections

    found = []
    with torch.no_grad():
        for start in range(0, len(images), 50):
            for each in model(as_pictures(images[start : start + 50])):
                found.append(Detections(*(each[name].numpy() for name in ("boxes", "scores", "labels"))))
    return found


def compete(kind, count, epochs, path):
    """A child: trains one of both in turns, and writes its scores."""
    from lab.metrics import average_precision

    config = Config(model="fcos", samples=count, epochs=epochs)
    train, test, _ = scenes.drawn(config, [SEED, SEED + 1, SEED + 2])
    found = {"lab": lab, "torchvision": torchvision}[kind](config, train, Turns())
    result = average_precision(detection.objects(test), found(test.images), areas=detection.AREAS).summary
    Path(path).write_text(json.dumps({name: round(result[name], 4) for name in ("AP", "AP50", "AP75")}))


def main():
    """Both in turn; keeps milliseconds of an update and AP."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=4000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--serve", nargs=4, help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.serve:
        kind, count, epochs, path = flags.serve
        compete(kind, int(count), int(epochs), path)
        return
    if flags.epochs < 2:
        parser.error(f"--epochs: expected at least 2, of which the first is not counted, received {flags.epochs}")
    with tempfile.TemporaryDirectory() as folder:
        paths = {kind: Path(folder) / f"{kind}.json" for kind in ("lab", "torchvision")}
        children = {
            kind: Contender("benchmarks.fcos_torchvision", kind, flags.scenes, flags.epochs, path, backend="tensorflow")
            for kind, path in paths.items()
        }
        times = {kind: [] for kind in children}
        for epoch in range(flags.epochs):
            for kind, child in children.items():
                times[kind].append(round(1000 / child.speed(1), 1))
            print(epoch, {kind: values[-1] for kind, values in times.items()}, flush=True)
        for child in children.values():
            child.end()
        rows = {kind: {"milliseconds": times[kind]} | json.loads(path.read_text()) for kind, path in paths.items()}
    ratios = [ours / theirs for ours, theirs in zip(times["lab"][1:], times["torchvision"][1:], strict=True)]
    result = {"scenes": flags.scenes, "epochs": flags.epochs, "ratio_of_times": round(statistics.median(ratios), 3)}
    print(result | rows)
    keep("fcos_torchvision", result | {"rows": rows} | describe("keras", "tensorflow", "torch", "torchvision"))


if __name__ == "__main__":
    main()
