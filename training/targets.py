"""Training targets and loss weights of partially labelled texts, for both models."""

import random
from pathlib import Path

import numpy as np

import churn_labels
import corpora
from corpora import Example

# Weight of a teacher's output for unlabelled heads, and its share in the target of labelled ones.
TEACHER_SHARE = 0.5
# Loss weights of the nine binary heads relative to sentiment: emotions, toxicity, churn.
BINARY_WEIGHTS = [0.5] * 7 + [1.0, 4.0]


def collect(root: Path, labels: Path | None = None) -> tuple[list[Example], list[Example], dict[str, int]]:
    """Returns all training texts, the held-out churn rows, and the number of churn examples by kind.

    The result is the same in every run with the same `labels`, whatever its seed, so that one run can teach another.
    """
    examples = corpora.semeval(root) + corpora.emotion_examples(root) + corpora.toxicity_examples(root)
    corrected = corpora.corrections(labels) if labels else []
    examples += corrected
    spare = corpora.event_tweets(root) + corpora.customer_care(root)
    examples += [Example(text, source="unlabelled") for text in spare]
    n_weak = churn_labels.weakly_label(examples)
    written, held_out = churn_labels.seed()
    judged, judged_held_out = churn_labels.real(root)
    examples += (written + judged) * 4 + churn_labels.variations(written, random.Random(1))
    held_out = held_out + judged_held_out
    churn_labels.forget_near(examples, held_out)
    counts = {"written": len(written), "judged": len(judged), "held_out": len(held_out), "weak_positives": n_weak}
    if labels:
        counts["corrected_sentiments"] = len(corrected)
    return examples, held_out, counts


class Targets:
    """The target of each text for each head, and its weight, which is zero where nothing is known."""

    def __init__(self, examples: list[Example]) -> None:
        n = len(examples)
        self.sentiment, self.sentiment_weight = np.zeros((n, 3), np.float32), np.zeros(n, np.float32)
        self.binary, self.binary_weight = np.zeros((n, 9), np.float32), np.zeros((n, 9), np.float32)
        for i, example in enumerate(examples):
            if example.sentiment is not None:
                self.sentiment[i, example.sentiment] = 1
                self.sentiment_weight[i] = 1
            values = [*example.emotion, example.toxicity, example.churn]
            for j, value in enumerate(values):
                if value is not None:
                    self.binary[i, j] = value
                    self.binary_weight[i, j] = example.weight
            # Most negatives count as negative only because they contain no cue.
            if example.churn == 0.0 and not example.source.startswith("churn"):
                self.binary_weight[i, 8] = 0.3
        # GoEmotions texts without anger or disgust, and SemEval texts that are not negative, are
        # probably not toxic. With the toxicity data alone, the model would flag far too many texts.
        for i, example in enumerate(examples):
            calm = example.source == "goemotions" and not (example.emotion[0] or example.emotion[1])
            if example.toxicity is None and (calm or (example.sentiment or 0) > 0):
                self.binary[i, 7], self.binary_weight[i, 7] = 0.03, 0.25
        counts = self.sentiment.sum(0)
        # The metric is the mean of the three recalls, so the classes have equal weight.
        self.sentiment_weight *= (self.sentiment @ (counts.sum() / (3 * counts)))

    def learn_from(self, logits: np.ndarray) -> None:
        """Mixes a teacher's outputs into the labels, and uses them alone where there is no label.

        Excludes churn: a teacher knows no more about churn than the rows it was trained on.
        """
        powers = np.exp(logits[:, :3] - logits[:, :3].max(1, keepdims=True))
        sentiment = powers / powers.sum(1, keepdims=True)
        known = (self.sentiment_weight > 0)[:, None]
        self.sentiment = np.where(known, TEACHER_SHARE * sentiment + (1 - TEACHER_SHARE) * self.sentiment, sentiment).astype(np.float32)
        self.sentiment_weight = np.where(known[:, 0], self.sentiment_weight, TEACHER_SHARE).astype(np.float32)
        binary = 1 / (1 + np.exp(-logits[:, 3:11]))
        old, weight = self.binary[:, :8], self.binary_weight[:, :8]
        self.binary[:, :8] = np.where(weight > 0, TEACHER_SHARE * binary + (1 - TEACHER_SHARE) * old, binary)
        self.binary_weight[:, :8] = np.where(weight > 0, weight, TEACHER_SHARE)


def teacher_logits(path: Path, texts: list[str]) -> np.ndarray:
    """Returns the logits in a run's `teacher.npz` for each text. A missing text raises an error, because an incomplete teacher would go unnoticed."""
    saved = np.load(path)
    place = {name: at for at, name in enumerate(saved["keys"].tolist())}
    return saved["logits"][[place[churn_labels.key(text)] for text in texts]].astype(np.float32)
