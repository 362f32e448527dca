"""Pictures of detections."""

import numpy as np

from lab.metrics import Detections, Objects
from lab.visualize import detections_figure


def test_what_is_there_and_what_was_found_are_outlined():
    images = np.zeros((2, 10, 10, 3), "uint8")
    boxes, none = np.array([[1, 2, 5, 8.0]]), np.zeros((0, 4))
    truths = [Objects(boxes, np.array([1])), Objects(none, np.zeros(0, int))]
    found = [Detections(np.repeat(boxes + 1, 2, 0), np.array([0.8, 0.2]), np.array([0, 1]))] * 2
    first, second, third = detections_figure(images, truths, found, "ab", columns=3).axes
    assert [line.get_color() for line in first.lines] == ["white", "yellow"]  # the score of 0.2 is too low
    white, yellow = ([*zip(*line.get_data())][:3] for line in first.lines)
    assert white == [(0.5, 1.5), (4.5, 1.5), (4.5, 7.5)]  # edges of pixels, whose centres are whole numbers
    assert yellow == [(1.5, 2.5), (5.5, 2.5), (5.5, 8.5)]
    assert [text.get_text() for text in first.texts] == ["a 0.80"]
    assert [line.get_color() for line in second.lines] == ["yellow"] and not third.lines
