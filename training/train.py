"""Trains the swift model and writes a checkpoint for export.py.

All heads train together. A text trains only the heads for which its data set has
labels; with `--teacher` (the `teacher.npz` of the deep model), every text trains
all heads. Everything is seeded, but results still differ in the third decimal
between machines, because floating-point sums are reordered. (Tried and rejected:
training a second network on the averaged outputs of two earlier ones. It fitted
the training texts better and lost half a point on the development set.)
"""

import argparse
import json
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

import corpora
import network
import vocabulary
from development import Development
from targets import BINARY_WEIGHTS, Targets, collect, teacher_logits

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


def batches(ids: np.ndarray, rng: np.random.Generator):
    """Yields row numbers in batches of similar length, to reduce padding, in random order."""
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
    return (sentiment + binary @ jnp.array(BINARY_WEIGHTS)).mean()


def fit(args, tokenizer, ids, targets, valences, report):
    shape = network.Shape(n_ids=tokenizer.get_vocab_size())
    vocabulary_map = tokenizer.get_vocab()
    index, scale = network.spellings(vocabulary_map, shape)
    parameters = network.initial(shape, vocabulary_map, valences, args.seed)
    n_steps = args.epochs * (len(ids) // BATCH)
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

    rng, key, start = np.random.default_rng(args.seed), jax.random.PRNGKey(args.seed), time.time()
    for epoch in range(args.epochs):
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
        print(f"epoch {epoch + 1}/{args.epochs} {time.time() - start:.0f} s  {report(parameters, table)}", flush=True)
    return parameters, table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--labels", type=Path, help="exported label corrections; use the same file for both models")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / ".cache" / "swift")
    parser.add_argument("--teacher", type=Path, help="teacher.npz of deep_train.py")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--n-ids", type=int, default=32_000)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--decay", type=float, default=0.1)
    parser.add_argument("--drop-token", type=float, default=0.2)
    parser.add_argument("--drop-feature", type=float, default=0.3)
    args = parser.parse_args()
    corpora.require(args.data)
    args.out.mkdir(parents=True, exist_ok=True)

    examples, held_out, churn = collect(args.data, args.labels)
    texts = [example.text for example in examples]
    print(f"{len(texts)} texts; churn: {churn}", flush=True)
    targets = Targets(examples)
    if args.teacher:
        targets.learn_from(teacher_logits(args.teacher, texts))

    valences = corpora.vader(args.data)
    words = [word for word in valences if word.replace("'", "").isalpha()]
    tokenizer = vocabulary.learn(texts, words, args.n_ids)
    vocabulary.write(tokenizer, args.out / "tokenizer.json")
    development = Development(args.data, held_out)
    asked = encode(tokenizer, development.texts)

    def report(parameters, table) -> str:
        return development.report(development.parts(lambda _: network.predict(parameters, table, asked)))

    parameters, table = fit(args, tokenizer, encode(tokenizer, texts), targets, valences, report)
    small = {name: np.asarray(value) for name, value in parameters.items() if name not in ("own", "ngram")}
    np.savez(args.out / "checkpoint.npz", table=table, **small)


if __name__ == "__main__":
    main()
