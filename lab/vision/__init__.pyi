from .boxes import area as area
from .boxes import complete_iou as complete_iou
from .boxes import distance_iou as distance_iou
from .boxes import generalized_iou as generalized_iou
from .boxes import iou as iou
from .boxes import iou_matrix as iou_matrix
from .suppression import suppress as suppress
