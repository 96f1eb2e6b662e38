"""Scores on development data, and the parameters chosen on it. Only evaluate.py reads the test sets."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.metrics import accuracy_score, f1_score, recall_score

import corpora
from corpora import EMOTIONS, Example

# At five false alarms per thousand posts, people turn the alert off; at two, a fifth of the churn posts go unnoticed.
ORDINARY_BELOW = 0.998

# Twelve logits per text: sentiment 3, emotion 7, toxicity, churn.
Predict = Callable[[list[str]], np.ndarray]


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


@dataclass(frozen=True)
class Levels:
    """Calibration that export applies to the logits.

    Churn has no temperature: its true frequency is unknown, so its head only gets an operating point.
    """

    sentiment: float = 1.0
    emotion: float = 1.0
    toxicity: float = 1.0
    churn_shift: float = 0.0
    sentiment_shift: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def scale(self) -> np.ndarray:
        """Returns the factor of each logit."""
        return np.array([1 / self.sentiment] * 3 + [1 / self.emotion] * 7 + [1 / self.toxicity, 1.0], np.float32)

    def shift(self) -> np.ndarray:
        """Returns the offset of each logit, which is added after scaling."""
        return np.array([*self.sentiment_shift, *[0.0] * 8, self.churn_shift], np.float32)

    def applied(self, logits: np.ndarray) -> np.ndarray:
        return logits * self.scale() + self.shift()


class Development:
    """The labelled development texts. The methods take a network's outputs for these texts."""

    def __init__(self, root: Path, churn_held_out: list[Example]) -> None:
        sentiment_texts, sentiment = corpora.tweeteval(root, "sentiment", "val")
        emotion_texts, emotion = corpora.goemotions(root, "dev")
        offensive_texts, offensive = corpora.tweeteval(root, "offensive", "val")
        self.sentiment, self.emotion, self.offensive = np.array(sentiment), np.array(emotion), np.array(offensive)
        # For monitoring the churn head. Only one parameter was chosen with these texts in view: `ORDINARY_BELOW`.
        self.churn = np.array([example.churn for example in churn_held_out])
        churn_texts = [example.text for example in churn_held_out]
        self.texts = sentiment_texts + emotion_texts + offensive_texts + churn_texts
        self.borders = np.cumsum([len(sentiment_texts), len(emotion_texts), len(offensive_texts)])

    def parts(self, predict: Predict) -> list[np.ndarray]:
        """Returns the logits of the sentiment, emotion, offensive and churn texts."""
        return np.split(predict(self.texts), self.borders)

    def figures(self, parts: list[np.ndarray]) -> dict[str, float]:
        """Returns the scores of the outputs after calibration."""
        on_sentiment, on_emotion, on_offensive, on_churn = parts
        temperature, shift = self.sentiment_levels(on_sentiment)
        churn = on_churn[:, 11] + self.churn_shift(parts) >= np.log(0.8 / 0.2)
        return {
            "recall": recall_score(self.sentiment, (on_sentiment[:, :3] / temperature + shift).argmax(1), average="macro"),
            "emotion_f1": self.emotion_thresholds(on_emotion)[0],
            "offensive_f1": f1_score(self.offensive, on_offensive[:, 10] > 0, average="macro"),
            "churn_recall_at_0.8": churn[self.churn > 0.5].mean(),
            "churn_wrong_at_0.8": churn[self.churn < 0.5].mean(),
        }

    def report(self, parts: list[np.ndarray]) -> str:
        return "dev: " + " ".join(f"{name} {value:.4f}" for name, value in self.figures(parts).items())

    def choices(self, parts: list[np.ndarray]) -> dict:
        """Returns the calibration, and the thresholds for calibrated outputs."""
        levels = self.levels(parts)
        at_level = [levels.applied(part) for part in parts]
        return {
            "levels": asdict(levels),
            "temperatures": {name: getattr(levels, name) for name in ("sentiment", "emotion", "toxicity")},
            "emotion_thresholds": self.emotion_thresholds(at_level[1])[1],
            "offensive_threshold": self.offensive_threshold(at_level[2]),
            "dev": {name: round(float(value), 4) for name, value in self.figures(parts).items()},
        }

    def levels(self, parts: list[np.ndarray]) -> Levels:
        temperature, shift = self.sentiment_levels(parts[0])
        return Levels(
            sentiment=temperature,
            sentiment_shift=tuple(round(float(value), 3) for value in shift),
            emotion=best_temperature(lambda t: binary_loss(parts[1][:, 3:10] / t, self.emotion)),
            toxicity=best_temperature(lambda t: binary_loss(parts[2][:, 10] / t, self.offensive)),
            churn_shift=self.churn_shift(parts),
        )

    def sentiment_levels(self, logits: np.ndarray) -> tuple[float, np.ndarray]:
        """Returns the temperature, and the offsets that are added after it.

        Training weights the three classes equally, so the rare one, negative, is predicted too often. Logit
        adjustment (Menon et al. 2021) restores part of the true class shares. The part is chosen to maximise
        the sum of macro-recall, which is best without it, and accuracy, which is best with all of it.
        """
        rows, share = np.arange(len(self.sentiment)), np.log(np.bincount(self.sentiment) / len(self.sentiment))
        best = (0.0, 1.0, 0.0)
        for part in np.arange(0, 1.01, 0.1):
            right = lambda t: softmax(logits[:, :3] / t + part * share)[rows, self.sentiment]
            temperature = best_temperature(lambda t: -np.log(right(t) + 1e-9).mean())
            labels = (logits[:, :3] / temperature + part * share).argmax(1)
            worth = recall_score(self.sentiment, labels, average="macro") + accuracy_score(self.sentiment, labels)
            best = max(best, (worth, temperature, part))
        return best[1], best[2] * share

    def emotion_thresholds(self, logits: np.ndarray) -> tuple[float, list[float]]:
        probabilities = sigmoid(logits[:, 3:10])
        grid = np.arange(0.1, 0.71, 0.02)
        best = []
        for i in range(len(EMOTIONS)):
            scores = [f1_score(self.emotion[:, i], probabilities[:, i] >= at, zero_division=0) for at in grid]
            best.append(float(grid[int(np.argmax(scores))]))
        predicted = probabilities >= np.array(best)
        return f1_score(self.emotion, predicted, average="macro", zero_division=0), [round(at, 2) for at in best]

    def offensive_threshold(self, logits: np.ndarray) -> float:
        probabilities = sigmoid(logits[:, 10])
        grid = np.arange(0.2, 0.81, 0.02)
        scores = [f1_score(self.offensive, probabilities >= at, average="macro") for at in grid]
        return round(float(grid[int(np.argmax(scores))]), 2)

    def churn_shift(self, parts: list[np.ndarray]) -> float:
        """Returns the offset of the churn logit with which 2 in 1,000 ordinary texts reach 0.8.

        The share of churn in the training data is artificial, so the head's raw output level is
        meaningless. What matters to users is the rate of false alarms.
        """
        ordinary = np.concatenate(parts[:3])[:, 11]
        return round(float(np.log(0.8 / 0.2) - np.quantile(ordinary, ORDINARY_BELOW)), 3)


def best_temperature(cost: Callable[[float], float]) -> float:
    return round(float(minimize_scalar(cost, bounds=(0.3, 3.0), method="bounded").x), 3)


def binary_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    return float((np.logaddexp(0, logits) - labels * logits).mean())
