"""Pictures of classes: colours, and what is shown where."""

import numpy as np

from lab.visualize import masks_figure
from lab.visualize.masks import colours


def test_colours_differ():
    table = colours(21)
    assert len({tuple(colour) for colour in table[1:21].tolist()}) == 20
    assert table[0].tolist() == [0, 0, 0] and table[255].tolist() == [255, 255, 255]


def test_a_figure_has_the_classes_that_are_there():
    images = np.zeros((3, 8, 8, 3), "uint8")
    found, truths = np.zeros((2, 3, 8, 8), "uint8")
    found[0, :4], truths[1, :2], truths[2] = 1, 2, 255
    figure = masks_figure(images, found, ("background", "cat", "dog", "cow"), truths, columns=2)
    shown = [axes for axes in figure.axes if axes.images]
    assert len(shown) == 9 and len(figure.axes) == 12
    np.testing.assert_array_equal(shown[1].images[0].get_array()[0, 0], colours(4)[1])
    np.testing.assert_array_equal(shown[5].images[0].get_array()[0, 0], colours(4)[2])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["cat", "dog"]
    assert len(masks_figure(images[:1], found[1:2], ("background", "cat")).axes) == 8
