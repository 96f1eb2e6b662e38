"""Trains the swift model and writes a checkpoint that export.py turns into ONNX.

All heads learn together; a text teaches only the heads that its set has labels
for. Everything is seeded; results still differ in the third decimal between
machines, because float sums are reordered. (Tried and left out: teaching a
second network with the averaged opinion of two first ones. It agreed better
with the training texts and lost half a point on the development set.)
"""

import argparse
import json
import random
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy.optimize import minimize_scalar
from sklearn.metrics import f1_score, recall_score

import churn_labels
import corpora
import network
import vocabulary
from corpora import EMOTIONS, Example

N_TOKENS_TRAINING = 96
BATCH = 256
WIDTHS = (16, 24, 32, 48, N_TOKENS_TRAINING)
UNIQUE_SIZES = (2048, 3072, 6144, BATCH * N_TOKENS_TRAINING)


def encode(tokenizer, texts: list[str], n_max: int = N_TOKENS_TRAINING) -> np.ndarray:
    rows = np.zeros((len(texts), n_max), np.int32)
    for row, encoding in zip(rows, tokenizer.encode_batch(texts)):
        ids = encoding.ids[:n_max]
        row[: len(ids)] = ids
    return rows


class Targets:
    """What each text should answer, and how much each head cares: zero where nothing is known."""

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
            # Most texts are known to be no farewell only for lack of a cue.
            if example.churn == 0.0 and not example.source.startswith("churn"):
                self.binary_weight[i, 8] = 0.3
        # GoEmotions texts without anger or disgust, and SemEval texts that are not negative, are
        # probably not toxic; the toxicity sets alone would make the model suspect everybody.
        for i, example in enumerate(examples):
            calm = example.source == "goemotions" and not (example.emotion[0] or example.emotion[1])
            if example.toxicity is None and (calm or (example.sentiment or 0) > 0):
                self.binary[i, 7], self.binary_weight[i, 7] = 0.03, 0.25
        counts = self.sentiment.sum(0)
        # The bar is the mean of the three recalls, so the three classes count alike.
        self.sentiment_weight *= (self.sentiment @ (counts.sum() / (3 * counts)))


def batches(ids: np.ndarray, rng: np.random.Generator):
    """Row numbers in batches of like length, in random order: padding is work."""
    lengths = (ids > network.PAD).sum(1)
    order = rng.permutation(len(ids))
    chunk = BATCH * 32
    groups = []
    for start in range(0, len(order), chunk):
        part = order[start : start + chunk]
        part = part[np.argsort(lengths[part], kind="stable")]
        groups += [part[at : at + BATCH] for at in range(0, len(part) - BATCH + 1, BATCH)]
    for group in rng.permutation(len(groups)):
        rows = groups[group]
        longest = int(lengths[rows].max())
        yield rows, next(width for width in WIDTHS if width >= longest)


def loss(parameters, batch, key, dropout):
    out = network.training_forward(parameters, batch, key, dropout)
    sentiment = optax.softmax_cross_entropy(out[:, :3], batch["sentiment"]) * batch["sentiment_weight"]
    binary = optax.sigmoid_binary_cross_entropy(out[:, 3:], batch["binary"]) * batch["binary_weight"]
    return (sentiment + binary @ jnp.array([0.5] * 7 + [1.0, 4.0])).mean()


def fit(args, tokenizer, ids, targets, valences, seed, n_epochs, report):
    shape = network.Shape(n_ids=tokenizer.get_vocab_size())
    vocabulary_map = tokenizer.get_vocab()
    index, scale = network.spellings(vocabulary_map, shape)
    parameters = network.initial(shape, vocabulary_map, valences, seed)
    n_steps = n_epochs * (len(ids) // BATCH)
    schedule = optax.warmup_cosine_decay_schedule(0, args.rate, n_steps // 20, n_steps, args.rate * 0.02)
    decayed = {name: name in ("own", "ngram", "hidden", "filters", "heads") for name in parameters}
    optimizer = optax.adamw(schedule, b2=0.99, weight_decay=args.decay, mask=decayed)
    state = optimizer.init(parameters)
    dropout = network.Dropout(args.drop_token, args.drop_feature)

    @jax.jit
    def step(parameters, state, batch, key):
        gradients = jax.grad(loss)(parameters, batch, key, dropout)
        updates, state = optimizer.update(gradients, state, parameters)
        return optax.apply_updates(parameters, updates), state

    rng, key, start = np.random.default_rng(seed), jax.random.PRNGKey(seed), time.time()
    for epoch in range(n_epochs):
        for rows, width in batches(ids, rng):
            block = ids[rows, :width]
            unique, inverse = np.unique(block, return_inverse=True)
            size = next(size for size in UNIQUE_SIZES if size >= len(unique))
            unique = np.pad(unique, (0, size - len(unique)))
            batch = {
                "ids": block,
                "unique": unique,
                "inverse": inverse.reshape(block.shape).astype(np.int32),
                "index": index[unique],
                "scale": scale[unique],
                "sentiment": targets.sentiment[rows],
                "sentiment_weight": targets.sentiment_weight[rows],
                "binary": targets.binary[rows],
                "binary_weight": targets.binary_weight[rows],
            }
            key, subkey = jax.random.split(key)
            parameters, state = step(parameters, state, batch, subkey)
        table = network.folded(parameters, index, scale)
        print(f"seed {seed} epoch {epoch + 1}/{n_epochs} {time.time() - start:.0f} s  {report(parameters, table)}", flush=True)
    return parameters, table


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def softmax(values):
    powers = np.exp(values - values.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


class Development:
    """Scores on development data only: the test sets are read by evaluate.py."""

    def __init__(self, root: Path, tokenizer, churn_held_out: list[Example]) -> None:
        texts, self.sentiment = corpora.tweeteval(root, "sentiment", "val")
        self.sentiment_ids = encode(tokenizer, texts)
        texts, emotion = corpora.goemotions(root, "dev")
        self.emotion_ids, self.emotion = encode(tokenizer, texts), np.array(emotion)
        texts, self.offensive = corpora.tweeteval(root, "offensive", "val")
        self.offensive_ids = encode(tokenizer, texts)
        # Used to watch the churn head, never to choose anything.
        self.churn_ids = encode(tokenizer, [example.text for example in churn_held_out])
        self.churn = np.array([example.churn for example in churn_held_out])

    def report(self, parameters, table) -> str:
        sentiment = network.predict(parameters, table, self.sentiment_ids)[:, :3]
        recall = recall_score(self.sentiment, sentiment.argmax(1), average="macro")
        emotion, _ = self.emotion_thresholds(parameters, table)
        offensive = network.predict(parameters, table, self.offensive_ids)[:, 10] > 0
        churn = sigmoid(network.predict(parameters, table, self.churn_ids)[:, 11])
        return (
            f"dev: recall {recall:.4f} emotion F1 {emotion:.4f} "
            f"offensive F1 {f1_score(self.offensive, offensive, average='macro'):.4f} "
            f"churn recall at 0.8 {(churn[self.churn > 0.5] >= 0.8).mean():.3f} wrong {(churn[self.churn < 0.5] >= 0.8).mean():.3f}"
        )

    def emotion_thresholds(self, parameters, table) -> tuple[float, list[float]]:
        probabilities = sigmoid(network.predict(parameters, table, self.emotion_ids)[:, 3:10])
        grid = np.arange(0.1, 0.71, 0.02)
        best = []
        for i in range(len(EMOTIONS)):
            scores = [f1_score(self.emotion[:, i], probabilities[:, i] >= at, zero_division=0) for at in grid]
            best.append(float(grid[int(np.argmax(scores))]))
        predicted = probabilities >= np.array(best)
        return f1_score(self.emotion, predicted, average="macro", zero_division=0), [round(at, 2) for at in best]

    def offensive_threshold(self, parameters, table) -> float:
        probabilities = sigmoid(network.predict(parameters, table, self.offensive_ids)[:, 10])
        grid = np.arange(0.2, 0.81, 0.02)
        scores = [f1_score(self.offensive, probabilities >= at, average="macro") for at in grid]
        return round(float(grid[int(np.argmax(scores))]), 2)

    def churn_shift(self, parameters, table) -> float:
        """What is added to the churn logit so that 2 in 1,000 ordinary texts reach 0.8.

        The share of farewells in training is made up, so the head's own level means nothing; how
        often it may cry wolf is what people feel.
        """
        ids = (self.sentiment_ids, self.emotion_ids, self.offensive_ids)
        out = np.concatenate([network.predict(parameters, table, rows)[:, 11] for rows in ids])
        return round(float(np.log(0.8 / 0.2) - np.quantile(out, 0.998)), 3)

    def temperature(self, parameters, table) -> float:
        """What the sentiment logits are divided by for `confidence` to mean what it says."""
        out = network.predict(parameters, table, self.sentiment_ids)[:, :3]
        rows = np.arange(len(out))
        cost = lambda t: -np.log(softmax(out / t)[rows, self.sentiment] + 1e-9).mean()
        return round(float(minimize_scalar(cost, bounds=(0.3, 3.0), method="bounded").x), 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / ".cache" / "swift")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--n-ids", type=int, default=32_000)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--decay", type=float, default=0.1)
    parser.add_argument("--drop-token", type=float, default=0.3)
    parser.add_argument("--drop-feature", type=float, default=0.5)
    args = parser.parse_args()
    corpora.require(args.data)
    args.out.mkdir(parents=True, exist_ok=True)

    labelled = corpora.semeval(args.data) + corpora.emotion_examples(args.data) + corpora.toxicity_examples(args.data)
    spare = corpora.event_tweets(args.data) + corpora.customer_care(args.data)
    examples = labelled + [Example(text, source="unlabelled") for text in spare]
    n_weak = churn_labels.weakly_label(examples)
    seed_train, seed_held_out = churn_labels.seed()
    examples += seed_train * 6 + churn_labels.variations(seed_train, random.Random(args.seed))
    print(f"{len(examples)} texts; churn: {len(seed_train)} seed rows, {len(seed_held_out)} held out, {n_weak} weak positives")

    valences = corpora.vader(args.data)
    words = [word for word in valences if word.replace("'", "").isalpha()]
    tokenizer = vocabulary.learn([example.text for example in examples], words, args.n_ids)
    vocabulary.write(tokenizer, args.out / "tokenizer.json")
    ids = encode(tokenizer, [example.text for example in examples])
    development = Development(args.data, tokenizer, seed_held_out)
    targets = Targets(examples)

    parameters, table = fit(args, tokenizer, ids, targets, valences, args.seed, args.epochs, development.report)

    emotion_f1, emotion_thresholds = development.emotion_thresholds(parameters, table)
    meta = {
        "temperature": development.temperature(parameters, table),
        "churn_shift": development.churn_shift(parameters, table),
        "emotion_thresholds": emotion_thresholds,
        "offensive_threshold": development.offensive_threshold(parameters, table),
        "dev": development.report(parameters, table),
        "n_texts": len(examples),
        "churn": {"seed_train": len(seed_train), "seed_held_out": len(seed_held_out), "weak_positives": n_weak},
    }
    small = {name: np.asarray(value) for name, value in parameters.items() if name not in ("own", "ngram")}
    np.savez(args.out / "checkpoint.npz", table=table, **small)
    (args.out / "meta.json").write_text(json.dumps(meta, indent=1))
    print(json.dumps(meta, indent=1))


if __name__ == "__main__":
    main()
