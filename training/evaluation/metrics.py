"""Metrics as defined by the benchmarks."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import confusion_matrix, f1_score, recall_score, roc_auc_score

N_BINS = 10


@dataclass(frozen=True)
class Bin:
    """Predictions of similar confidence: their mean confidence, accuracy and number."""

    confidence: float
    accuracy: float
    n: int


def macro_recall(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Returns the mean of the three recalls: TweetEval's metric for sentiment."""
    return float(recall_score(labels, probabilities.argmax(1), average="macro", labels=[0, 1, 2], zero_division=0))


def emotion_f1(labels: np.ndarray, probabilities: np.ndarray, thresholds: np.ndarray) -> float:
    """Returns the mean of the seven F1 scores, with one threshold per class: GoEmotions' metric."""
    return float(f1_score(labels, probabilities >= thresholds, average="macro", zero_division=0))


def binary_f1(labels: np.ndarray, probabilities: np.ndarray, threshold: float) -> float:
    """Returns the mean F1 score of both classes: TweetEval's metric for offensive language."""
    return float(f1_score(labels, probabilities >= threshold, average="macro"))


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Returns the probability that a toxic text ranks above a non-toxic one."""
    return float(roc_auc_score(labels, scores))


def reliability(labels: np.ndarray, probabilities: np.ndarray) -> list[Bin]:
    """Returns ten bins of equal width by confidence, leaving out empty ones."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    which = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    inside = [which == i for i in range(N_BINS)]
    return [Bin(float(confidence[rows].mean()), float(right[rows].mean()), int(rows.sum())) for rows in inside if rows.any()]


def calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Returns the expected calibration error (Guo et al. 2017): the gap between confidence and accuracy, weighted by bin size."""
    return sum(abs(bin.confidence - bin.accuracy) * bin.n for bin in reliability(labels, probabilities)) / len(labels)


def confusion(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Returns the confusion matrix: rows are human labels, columns are predictions, as shares of the row."""
    return confusion_matrix(labels, probabilities.argmax(1), labels=[0, 1, 2], normalize="true")


def doubt(probabilities: np.ndarray) -> np.ndarray:
    """Returns one minus the margin between the two most likely sentiments: 1 is a toss-up, 0 is certain."""
    ordered = np.sort(probabilities, 1)
    return 1 - (ordered[:, -1] - ordered[:, -2])


def deferred(swift: np.ndarray, deep: np.ndarray, share: float) -> np.ndarray:
    """Returns swift's outputs, with the given share of the most uncertain ones replaced by deep's."""
    n = round(share * len(swift))
    chosen = np.argsort(-doubt(swift), kind="stable")[:n]
    answers = swift.copy()
    answers[chosen] = deep[chosen]
    return answers
