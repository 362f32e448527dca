"""What detectors and segmenters reach on scenes with their default settings; see scores.py."""

from benchmarks.tables import of_experiments
from experiments.common.detection import MODELS

AP = {"ap": 3, "ap50": 3, "ap75": 3, "ap_known": 3, "ap_photographs": 3, "false_positives": 3}
MASKS = {"ap_masks": 3, "ap50_masks": 3, "panoptic_quality": 3, "ap": 3, "ap50": 3}
COUNTED = {"parameters": 0, "milliseconds_per_step": 0}
IOU = {"mean_iou": 3, "boundary_iou": 3, "mean_iou_known": 3, "mean_iou_photographs": 3}
SEGMENTERS = {"": "", "fcn 8": "--model fcn", "fcn 32": "--model fcn --stride 32", "deeplab": "--model deeplab"}
PRECISION = "bfloat16"  # the default is float32
EXPERIMENTS = {  # {experiment: ({variant: flags}, {result: digits})}
    "detect_glyphs": (
        {"": "", PRECISION: "--precision mixed_bfloat16"} | {name: f"--model {name}" for name in MODELS[1:]},
        AP | COUNTED,
    ),
    "segment_scenes": (SEGMENTERS | {PRECISION: "--precision mixed_bfloat16"}, IOU | COUNTED),
    "instances_scenes": ({"": "", "mask_rcnn": "--model mask_rcnn"}, MASKS | COUNTED),
}

TABLES = of_experiments(EXPERIMENTS)
