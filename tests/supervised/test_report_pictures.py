"""What the pictures of a classifier's report say."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from lab.supervised import report
from lab.supervised.report import save_calibration, save_confusion, save_mistakes

LABELS = np.array([0, 1, 1, 2])
PROBABILITIES = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])


@pytest.fixture
def drawn(monkeypatch):
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **options: figures.append(figure))
    return figures


def test_the_confusion_matrix_says_what_rows_columns_and_colours_are(drawn):
    save_confusion(None, report(LABELS, PROBABILITIES).confusion, "abc")
    axes, bar = drawn[0].axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("answer of the classifier", "true class")
    assert axes.get_title() == "Confusion matrix: number of examples" and bar.get_ylabel() == "share of the true class"
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written == {(0, 0): "1", (0, 1): "1", (1, 1): "1", (2, 2): "1"}  # (answer, class)


def test_the_calibration_has_a_legend(drawn):
    save_calibration(None, report(LABELS, PROBABILITIES))
    top, bottom = drawn[0].axes
    assert [text.get_text() for text in top.get_legend().get_texts()] == ["perfectly calibrated", "this classifier"]
    assert bottom.get_xlabel() == "confidence: probability of the answer"


def test_mistakes_name_the_answer_and_the_truth(drawn):
    save_mistakes(None, LABELS, PROBABILITIES, np.zeros((4, 2, 2, 1)), "abc")
    assert [axes.get_title() for axes in drawn[0].axes] == ["answer a (0.70)\ntrue b"]
    assert drawn[0].get_suptitle().startswith("The surest mistakes")
