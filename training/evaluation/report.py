"""`docs/EVALUATION.md`: the figures in the order in which a reader doubts them."""

from dataclasses import dataclass

import numpy as np

from corpora import SENTIMENTS

# Title, key of the figure, whether it is shown as a percentage, the bar, and the published marks beside it.
ROWS = [
    ("TweetEval sentiment, macro-recall", "sentiment_macro_recall", "71.3", "TimeLMs 73.7, RoBERTa-base 71.3, SVM and FastText 62.9"),
    ("the same, expected calibration error", "sentiment_calibration_error", "≤ 5.0", ""),
    ("GoEmotions Ekman, macro-F1", "emotion_macro_f1", "63.0", "BERT-base 62 to 64"),
    ("TweetEval offensive, macro-F1", "offensive_macro_f1", "76.0", "TimeLMs 82.2, RoBERTa-base 79.5, FastText 73.4"),
    ("Wikipedia talk `gn`, toxicity AUC", "toxicity_auc_gn", "90.0", "Perspective {gn:.1f}"),
    ("Wikipedia talk `gc`, toxicity AUC", "toxicity_auc_gc", "90.0", "Perspective {gc:.1f}"),
    ("churn, all that was held out: recall at 0.8", "churn_recall_all", "80.0", ""),
    ("the same: what reaches 0.8 and should not", "churn_false_alarms_all", "", ""),
    ("churn, written rows held out: recall at 0.8", "churn_recall_written", "", ""),
    ("the same: traps at 0.8", "churn_false_alarms_written", "", ""),
    ("churn, real posts held out: recall at 0.8", "churn_recall_real", "", ""),
    ("the same: others at 0.8", "churn_false_alarms_real", "", ""),
    ("TweetEval sentiment test at churn ≥ 0.8", "churn_share_of_tweets", "≤ 0.5", ""),
]


@dataclass(frozen=True)
class Speed:
    """What `groundswell bench inference` measured of one way to run a model."""

    model: str
    how: str
    batch_size: int
    texts_per_second: float

    @classmethod
    def of(cls, model: str, how: str, found: dict) -> "Speed":
        return cls(model, how, found["batch_size"], found["texts_per_second_median"])


@dataclass
class Report:
    """Everything the page states."""

    models: dict[str, dict[str, float]]
    perspective: dict[str, float]
    confusions: dict[str, np.ndarray]
    slices: dict[str, list[tuple[str, int, float]]]
    deferral: list[tuple[float, float, float]]
    cascade_share: float
    agreement: dict[str, float]
    speeds: list[Speed]
    sets: list[tuple[str, int, int]]


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def percent(value: float | None) -> str:
    """A share as a percentage with one decimal; what was not measured is a dash."""
    return "–" if value is None or np.isnan(value) else f"{100 * value:.1f}"


def markdown(report: Report) -> str:
    """The whole page."""
    names = list(report.models)
    marks = {name: 100 * value for name, value in report.perspective.items()}
    main = [
        [title, *(percent(report.models[name].get(key)) for name in names), bar, beside.format(**marks)]
        for title, key, bar, beside in ROWS
    ]
    parts = [
        "# What the models reach",
        "Written by `make eval DATA=<folder>`; every figure comes from the exported files, on sets that were neither trained nor "
        "tuned on, but for the few texts that the last table counts. Percent, except where a unit stands. What the models are, and what they were trained on, is in their cards: "
        "[swift](../weights/swift/MODEL_CARD.md), [deep](../weights/deep/MODEL_CARD.md).",
        table(["", *names, "bar for deep", "published beside it"], main),
        "The cascade column is swift with deep's answer for the "
        f"{percent(report.cascade_share)} % of posts that swift doubts most, about what two cores manage at 1,000 posts a second "
        "(`make bench BENCH=cascade` says what a machine manages).",
        "## How much a deferred post is worth",
        "Macro-recall on TweetEval sentiment when this share of the posts goes to deep: the most doubtful, or any. The last column is "
        "the part of the gap between swift and deep that is recovered, over what chance recovers.",
        deferral_table(report),
        "## How far to trust a confidence",
        "Each point is the answers of one tenth of the scale: right, how sure the model was; up, how often it was right.",
        "![Reliability of the sentiment confidence](reliability.svg)",
        "## What is taken for what",
        "Rows are the people's labels, columns the model's; each row sums to 100.",
        *(confusion_table(name, values) for name, values in report.confusions.items()),
        "## Where they are worst",
        "Accuracy of the sentiment label by kind of text, on the TweetEval test.",
        slice_table(report),
        "## Size and speed",
        speed_table(report),
        "Distinct texts recombined from real tweets, tokenization included, medians of runs that alternate; what is handed over at once is run in batches of like length. How fast the "
        "cascade is depends on how many posts go on to deep: `make bench BENCH=cascade` measures it with the whole pipeline.",
        *absent(report),
        "## Python and Rust say the same",
        table(
            ["model", "largest difference of any probability"],
            [[name, f"{value:.1e}"] for name, value in report.agreement.items()],
        ),
        "Each side made its own batches: an answer does not depend on what else is in the batch.",
        "## The sets",
        table(["set", "texts", "of them also in a training set"], [[name, f"{n:,}", f"{known:,}"] for name, n, known in report.sets]),
        "The same but for case, signs and mentions: people say *thank you* in many places, and some published splits overlap. "
        "All real churn posts are texts of the other training sets: what they say of the author's leaving was held out, their "
        "sentiment or toxicity was not.",
    ]
    return "\n\n".join(parts) + "\n"


def absent(report: Report) -> list[str]:
    """What the page does not show, and why."""
    if "deep fp32" in report.models:
        return []
    return ["Deep in float32 is missing on this page: the repository keeps int8 alone, and `make train` writes the other."]


def deferral_table(report: Report) -> str:
    """Doubt against chance."""
    rows = []
    swift, deep = report.deferral[0][1], report.deferral[-1][1]
    for share, doubtful, random in report.deferral:
        gap = deep - swift
        ratio = f"{(doubtful - swift) / (share * gap):.2f} ×" if 0 < share < 1 and gap > 0 else ""
        rows.append([percent(share), percent(doubtful), percent(random), ratio])
    return table(["share to deep", "the most doubtful", "any", "recovered over chance"], rows)


def confusion_table(name: str, values: np.ndarray) -> str:
    """One model's."""
    rows = [[label, *(percent(value) for value in row)] for label, row in zip(SENTIMENTS, values)]
    return table([f"**{name}**", *SENTIMENTS], rows)


def slice_table(report: Report) -> str:
    """All models side by side, ordered by the last one's accuracy."""
    names = list(report.slices)
    by_model = {name: {row[0]: row for row in rows} for name, rows in report.slices.items()}
    rows = [
        [title, f"{n:,}", *(percent(by_model[name][title][2]) for name in names)] for title, n, _ in report.slices[names[-1]]
    ]
    return table(["kind of text", "texts", *names], rows)


def speed_table(report: Report) -> str:
    """All ways to run a model."""
    rows = [[speed.model, speed.how, str(speed.batch_size), f"{speed.texts_per_second:,.0f}"] for speed in report.speeds]
    return table(["model", "how", "texts handed over at once", "texts a second"], rows)
