"""Labelled data sets that no model was trained or tuned on, and a model's scores on them."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import churn_labels
import corpora
import targets
from corpora import EMOTIONS

from . import metrics
from .models import Answers, Remembered
from .slices import SLICES

CHURN_HIGH = 0.8
# Results for smaller slices are mostly noise.
SLICE_TEXTS_MIN = 30


@dataclass(frozen=True)
class Thresholds:
    """Thresholds chosen on development data at export."""

    emotion: np.ndarray
    toxicity: float

    @classmethod
    def of(cls, manifest: dict) -> "Thresholds":
        chosen = manifest["thresholds"]
        return cls(np.array([chosen["emotion"][name] for name in EMOTIONS]), chosen["toxicity"])


# For the lexicon, which has no manifest to read them from.
EVEN = Thresholds(np.full(len(EMOTIONS), 0.5), 0.5)


class Benchmarks:
    """Texts and labels of all data sets."""

    def __init__(self, root: Path) -> None:
        self.sets: dict[str, tuple[list[str], np.ndarray]] = {
            "sentiment": self._labelled(corpora.tweeteval(root, "sentiment", "test")),
            "emotion": self._labelled(corpora.goemotions(root, "test")),
            "offensive": self._labelled(corpora.tweeteval(root, "offensive", "test")),
            "talk_gn": self._labelled(corpora.context_toxicity(root, "gn")),
            "talk_gc": self._labelled(corpora.context_toxicity(root, "gc")),
        }
        written = churn_labels.seed()[1]
        real = churn_labels.real(root)[1]
        for name, examples in (("churn_written", written), ("churn_real", real)):
            self.sets[name] = [example.text for example in examples], np.array([example.churn for example in examples])
        known = {plain(example.text) for example in targets.collect(root)[0]}
        self.n_known = {name: sum(plain(text) in known for text in texts) for name, (texts, _) in self.sets.items()}
        self.perspective = {name: corpora.perspective(root, name) for name in ("gn", "gc")}

    @staticmethod
    def _labelled(pair: tuple[list[str], list]) -> tuple[list[str], np.ndarray]:
        return pair[0], np.array(pair[1])

    def answers(self, model: Remembered) -> dict[str, Answers]:
        """Returns the model's outputs for every data set."""
        return {name: model.answer(name, texts) for name, (texts, _) in self.sets.items()}

    def figures(self, answers: dict[str, Answers], thresholds: Thresholds) -> dict[str, float]:
        """Returns the scores under the names that the report uses."""
        label = {name: labels for name, (_, labels) in self.sets.items()}
        sentiment = answers["sentiment"]["sentiment"]
        leaving = {name: label[name] >= 0.75 for name in ("churn_written", "churn_real")}
        staying = {name: label[name] <= 0.25 for name in leaving}
        risk = {name: answers[name]["churn_risk"] for name in leaving}
        both = lambda rows: np.concatenate([risk[name][rows[name]] for name in risk])
        share = lambda values: float((values >= CHURN_HIGH).mean()) if len(values) else float("nan")
        return {
            "sentiment_macro_recall": metrics.macro_recall(label["sentiment"], sentiment),
            "sentiment_calibration_error": metrics.calibration_error(label["sentiment"], sentiment),
            "emotion_macro_f1": metrics.emotion_f1(label["emotion"], answers["emotion"]["emotion"], thresholds.emotion),
            "offensive_macro_f1": metrics.binary_f1(
                label["offensive"], answers["offensive"]["toxicity"], thresholds.toxicity
            ),
            "toxicity_auc_gn": metrics.auc(label["talk_gn"], answers["talk_gn"]["toxicity"]),
            "toxicity_auc_gc": metrics.auc(label["talk_gc"], answers["talk_gc"]["toxicity"]),
            "churn_recall_all": share(both(leaving)),
            "churn_false_alarms_all": share(both(staying)),
            "churn_recall_written": share(risk["churn_written"][leaving["churn_written"]]),
            "churn_false_alarms_written": share(risk["churn_written"][staying["churn_written"]]),
            "churn_recall_real": share(risk["churn_real"][leaving["churn_real"]]),
            "churn_false_alarms_real": share(risk["churn_real"][staying["churn_real"]]),
            "churn_share_of_tweets": share(answers["sentiment"]["churn_risk"]),
        }

    def slices(self, answers: dict[str, Answers]) -> list[tuple[str, int, float]]:
        """Returns each kind of text, its number of texts and its sentiment accuracy, in ascending order of accuracy."""
        texts, labels = self.sets["sentiment"]
        right = answers["sentiment"]["sentiment"].argmax(1) == labels
        inside = {name: np.array([belongs(text) for text in texts]) for name, belongs in SLICES.items()}
        rows = [(name, int(of.sum()), float(right[of].mean())) for name, of in inside.items() if of.sum() >= SLICE_TEXTS_MIN]
        return sorted(rows, key=lambda row: row[2])


def plain(text: str) -> str:
    """Returns the words of a text, by which two texts count as the same."""
    return " ".join(re.findall(r"\w+", re.sub(r"@\w+", "", text.lower())))
