"""Prints what the shipped model reaches on data it was not trained on, as a table and as JSON.

It reads the exported files, not the checkpoint: quantisation and export are part of what is measured.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score, f1_score, recall_score, roc_auc_score

import churn_labels
import corpora
from corpora import EMOTIONS
from export import Swift


def calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean distance between confidence and accuracy over ten bins, weighted by their size."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    bins = np.minimum((confidence * 10).astype(int), 9)
    return float(sum(abs(confidence[bins == i].mean() - right[bins == i].mean()) * (bins == i).mean() for i in set(bins)))


def figures(root: Path, folder: Path) -> dict[str, float]:
    swift = Swift(folder)
    found: dict[str, float] = {}

    texts, labels = corpora.tweeteval(root, "sentiment", "test")
    test = swift.run(texts)
    found["tweeteval_sentiment_test_macro_recall"] = recall_score(labels, test["sentiment"].argmax(1), average="macro")
    found["tweeteval_sentiment_test_accuracy"] = float((test["sentiment"].argmax(1) == np.array(labels)).mean())
    found["tweeteval_sentiment_test_calibration_error"] = calibration_error(test["sentiment"], np.array(labels))
    dev_texts, dev_labels = corpora.tweeteval(root, "sentiment", "val")
    dev = swift.run(dev_texts)
    found["tweeteval_sentiment_dev_macro_recall"] = recall_score(dev_labels, dev["sentiment"].argmax(1), average="macro")

    texts, emotion = corpora.goemotions(root, "test")
    probabilities = swift.run(texts)["emotion"]
    thresholds = np.array([swift.manifest["thresholds"]["emotion"][name] for name in EMOTIONS])
    found["goemotions_ekman_test_macro_f1"] = f1_score(emotion, probabilities >= thresholds, average="macro", zero_division=0)
    found["goemotions_ekman_test_strongest_is_a_label"] = float(np.array(emotion)[np.arange(len(emotion)), probabilities.argmax(1)].mean())

    texts, offensive = corpora.tweeteval(root, "offensive", "test")
    predicted = swift.run(texts)["toxicity"] >= swift.manifest["thresholds"]["toxicity"]
    found["tweeteval_offensive_test_macro_f1"] = f1_score(offensive, predicted, average="macro")
    for name in ("gn", "gc"):
        texts, toxic = corpora.context_toxicity(root, name)
        scores = swift.run(texts)["toxicity"]
        found[f"context_toxicity_{name}_auc"] = roc_auc_score(toxic, scores)
        found[f"context_toxicity_{name}_share_at_0.5"] = float((scores >= 0.5).mean())

    held_out = churn_labels.seed()[1]
    churn = swift.run([example.text for example in held_out])["churn_risk"]
    leaving = np.array([example.churn for example in held_out]) > 0.5
    found["churn_held_out_rows"] = len(held_out)
    found["churn_held_out_recall_at_0.8"] = float((churn[leaving] >= 0.8).mean())
    found["churn_held_out_false_alarms_at_0.8"] = float((churn[~leaving] >= 0.8).mean())
    found["churn_held_out_auc"] = roc_auc_score(leaving, churn)
    found["churn_held_out_average_precision"] = average_precision_score(leaving, churn)
    found["churn_share_of_tweeteval_test_at_0.8"] = float((test["churn_risk"] >= 0.8).mean())
    found["churn_share_of_event_tweets_at_0.8"] = float((swift.run(corpora.event_tweets(root))["churn_risk"] >= 0.8).mean())
    found["churn_share_of_customer_care_at_0.8"] = float((swift.run(corpora.customer_care(root))["churn_risk"] >= 0.8).mean())

    found["files_megabytes"] = sum((folder / name).stat().st_size for name in ("model.onnx", "tokenizer.json")) / 1e6
    return {name: round(float(value), 4) for name, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=Path(__file__).parent.parent / "weights" / "swift")
    parser.add_argument("--json", action="store_true", help="only one JSON object")
    args = parser.parse_args()
    corpora.require(args.data)
    found = figures(args.data, args.model)
    if not args.json:
        for name, value in found.items():
            print(f"{name:<48} {value:>10.4f}")
    else:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
