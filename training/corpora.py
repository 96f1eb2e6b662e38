"""Reads the public data sets into one list of partially labelled examples.

Every head has its own label, which is `None` (or NaN) if the data set does not
provide it; the loss skips such labels. If a data set is missing, the program ends and names
its source, so that nobody unknowingly trains on part of the data.
"""

import csv
import gzip
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

csv.field_size_limit(1 << 27)

SENTIMENTS = ["negative", "neutral", "positive"]
EMOTIONS = ["anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise"]

SOURCES = {
    "semeval2017/sentiment_train_derived.tsv": (
        "SemEval-2017 task 4A (2013 to 2016 tweets) as columns source, tweet_id, label, text in TweetEval's formatting: "
        "http://alt.qcri.org/semeval2017/task4/, without the rows of TweetEval's test set"
    ),
    "tweeteval/sentiment": "TweetEval, folder datasets/sentiment: https://github.com/cardiffnlp/tweeteval",
    "tweeteval/offensive": "TweetEval, folder datasets/offensive: https://github.com/cardiffnlp/tweeteval",
    "tweeteval/emotion": "TweetEval, folder datasets/emotion: https://github.com/cardiffnlp/tweeteval",
    "goemotions/ekman": (
        "GoEmotions (https://github.com/google-research/google-research/tree/master/goemotions), its labels mapped "
        "with ekman_mapping.json to the order in labels.txt"
    ),
    "davidson/labeled_data.csv": "https://github.com/t-davidson/hate-speech-and-offensive-language, data/labeled_data.csv",
    "toxic_spans/civil_comments_agg.csv": (
        "Civil Comments with the votes of SemEval-2021 task 5, summed by comment: https://github.com/ipavlopoulos/toxic_spans"
    ),
    "context_toxicity": "https://github.com/ipavlopoulos/context_toxicity, data gn.csv and gc.csv (evaluation only)",
    "vader/vader_lexicon.txt": "https://github.com/cjhutto/vaderSentiment, vaderSentiment/vader_lexicon.txt",
    "ibm_customer_care/messages.jsonl.gz": (
        "IBM customer care tweets, one message a line: https://github.com/IBM/twitter-customer-care-document-prediction"
    ),
    "fivethirtyeight_twitter/mayweather-mcgregor_tweets.csv.gz": (
        "https://github.com/fivethirtyeight/data, folder mayweather-mcgregor"
    ),
}


@dataclass
class Example:
    """A text and its known labels; `None` means unknown, not false."""

    text: str
    sentiment: int | None = None
    emotion: list[float | None] = field(default_factory=lambda: [None] * len(EMOTIONS))
    toxicity: float | None = None
    churn: float | None = None
    weight: float = 1.0
    source: str = ""


def require(root: Path) -> None:
    """Ends the program if data sets are missing, listing each with its source."""
    missing = [name for name in SOURCES if not (root / name).exists()]
    if not missing:
        return
    print(f"these data sets are missing under {root}:", file=sys.stderr)
    for name in missing:
        print(f"  {name}\n      {SOURCES[name]}", file=sys.stderr)
    sys.exit(2)


def tweeteval(root: Path, task: str, split: str) -> tuple[list[str], list[int]]:
    folder = root / "tweeteval" / task
    texts = (folder / f"{split}_text.txt").read_text(encoding="utf-8").rstrip("\n").split("\n")
    labels = (folder / f"{split}_labels.txt").read_text().split()
    assert len(texts) == len(labels), f"{folder}: {len(texts)} texts but {len(labels)} labels"
    return [text.strip() for text in texts], [int(label) for label in labels]


def goemotions(root: Path, split: str) -> tuple[list[str], list[list[float]]]:
    texts, labels = [], []
    with open(root / "goemotions" / "ekman" / f"{split}.tsv", encoding="utf-8") as lines:
        for line in lines:
            text, ids, _ = line.rstrip("\n").split("\t")
            hot = [0.0] * len(EMOTIONS)
            for index in ids.split(","):
                hot[int(index)] = 1.0
            # Upstream masks names as [NAME]; the normaliser writes mentions as @user.
            texts.append(text.replace("[NAME]", "@user"))
            labels.append(hot)
    return texts, labels


def semeval(root: Path) -> list[Example]:
    held_out = set(tweeteval(root, "sentiment", "val")[0]) | set(tweeteval(root, "sentiment", "test")[0])
    examples = []
    with open(root / "semeval2017" / "sentiment_train_derived.tsv", encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            _, _, label, text = line.rstrip("\n").split("\t")
            if text not in held_out:
                examples.append(Example(text, sentiment=SENTIMENTS.index(label), source="semeval"))
    return examples


def emotion_examples(root: Path) -> list[Example]:
    """Returns GoEmotions with all seven labels, and TweetEval's emotion data with its four.

    TweetEval's optimism has no counterpart among the seven, so it counts as joy with half weight.
    """
    texts, labels = goemotions(root, "train")
    examples = [Example(text, emotion=list(label), source="goemotions") for text, label in zip(texts, labels)]
    known = {0: "anger", 1: "joy", 2: "joy", 3: "sadness"}
    for text, label in zip(*tweeteval(root, "emotion", "train")):
        emotion: list[float | None] = [None] * len(EMOTIONS)
        for name in ("anger", "joy", "sadness", "neutral"):
            emotion[EMOTIONS.index(name)] = 0.0
        emotion[EMOTIONS.index(known[label])] = 1.0
        examples.append(Example(text, emotion=emotion, weight=0.5 if label == 2 else 1.0, source="tweeteval-emotion"))
    return examples


def toxicity_examples(root: Path) -> list[Example]:
    examples = []
    with open(root / "davidson" / "labeled_data.csv", encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            votes = int(row["count"])
            toxic = (int(row["hate_speech"]) + int(row["offensive_language"])) / votes
            examples.append(Example(row["tweet"], toxicity=toxic, weight=0.6, source="davidson"))
    for text, label in zip(*tweeteval(root, "offensive", "train")):
        examples.append(Example(text, toxicity=float(label), weight=1.5, source="tweeteval-offensive"))
    with open(root / "toxic_spans" / "civil_comments_agg.csv", encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            examples.append(Example(row["text"], toxicity=1.0 - float(row["frac_not_toxic"]), weight=0.7, source="civil"))
    return examples


def customer_care(root: Path) -> list[str]:
    with gzip.open(root / "ibm_customer_care" / "messages.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [row["text"] for row in map(json.loads, lines) if row["role"] == "client"]


def event_tweets(root: Path) -> list[str]:
    """Returns the distinct live-event tweets: unlabelled, so used for vocabulary, distillation and weak labels only."""
    with gzip.open(root / "fivethirtyeight_twitter" / "mayweather-mcgregor_tweets.csv.gz", "rt", encoding="utf-8", newline="") as table:
        return list(dict.fromkeys(re.sub(r"^RT @\w+: ", "", row["text"]) for row in csv.DictReader(table)))


def corrections(path: Path) -> list[Example]:
    """Returns corrected labels exported by a running Groundswell (`/api/v1/labels/export`), as NDJSON or CSV.

    The last correction of a text wins. In the CSV, apostrophes protect spreadsheets from texts that look like formulas
    (src/http/posts/csv_cell.rs); they are not part of the text.
    """
    with open(path, encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            rows = [{**row, "text": without_apostrophes(row["text"])} for row in csv.DictReader(file)]
        else:
            rows = [json.loads(line) for line in file if line.strip()]
    unknown = {row["label"] for row in rows} - set(SENTIMENTS)
    assert not unknown, f"{path}: unknown labels {sorted(unknown)}; expected {SENTIMENTS}"
    said = {row["text"]: SENTIMENTS.index(row["label"]) for row in rows}
    return [Example(text, sentiment=label, source="corrections") for text, label in said.items()]


def without_apostrophes(text: str) -> str:
    """Returns the text of a CSV cell without the apostrophes that keep spreadsheets from evaluating it."""
    dropped = r"[\s\x00-\x1f\x7f-\x9f\"\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]*"
    text = re.sub(r"^'(?=[\t\r\n])", "", text)
    return re.sub(rf"((?:^|[;\t\r\n]){dropped})'(?=[=+\-@＝＋－＠])", r"\1", text)


def vader(root: Path) -> dict[str, float]:
    """Returns the mean valence of each word, from -4 to 4."""
    lexicon = {}
    with open(root / "vader" / "vader_lexicon.txt", encoding="utf-8") as lines:
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            if len(fields) >= 2:
                lexicon[fields[0].strip().lower()] = float(fields[1])
    return lexicon


def context_toxicity(root: Path, name: str) -> tuple[list[str], list[int]]:
    with open(root / "context_toxicity" / f"{name}.csv", encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    return [row["text"] for row in rows], [int(float(row["label"])) for row in rows]


def perspective(root: Path, name: str) -> list[float]:
    """Returns the scores of Google's Perspective for the same comments, as published with the data set."""
    with open(root / "context_toxicity" / f"{name}.csv", encoding="utf-8", newline="") as table:
        return [float(row["api"] or 0) for row in csv.DictReader(table)]
