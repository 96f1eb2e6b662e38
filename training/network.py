"""The swift network: subword embeddings, one narrow convolution, pooling, four heads.

During training, a token's embedding is its own vector plus those of its character
n-grams, so that rare words learn from similarly spelt ones. A token's spelling
never changes, so export adds these up into one table, and the exported network
does not need n-grams.
"""

import zlib
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

N_OUTPUTS = 12  # sentiment 3, emotion 7, toxicity, churn
PAD, UNKNOWN = 0, 1


@dataclass(frozen=True)
class Shape:
    n_ids: int
    width: int = 64
    n_filters: int = 96
    n_hidden: int = 128
    n_ngrams: int = 100_000
    ngrams_per_token: int = 24


@dataclass(frozen=True)
class Dropout:
    token: float = 0.2
    feature: float = 0.3


def spellings(vocabulary: dict[str, int], shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Returns each token's hashed n-grams (3 to 5 characters, with word boundaries), and the divisor of their sum."""
    index = np.zeros((shape.n_ids, shape.ngrams_per_token), np.int32)
    scale = np.ones(shape.n_ids, np.float32)
    for token, i in vocabulary.items():
        if i <= UNKNOWN or not any(letter.isalpha() for letter in token):
            continue
        framed = f"<{token}>"
        ngrams = [framed[at : at + n] for n in (3, 4, 5) for at in range(len(framed) - n + 1)][: shape.ngrams_per_token]
        index[i, : len(ngrams)] = [zlib.crc32(ngram.encode()) % (shape.n_ngrams - 1) + 1 for ngram in ngrams]
        scale[i] = np.sqrt(max(1, len(ngrams)))
    return index, scale


def initial(shape: Shape, vocabulary: dict[str, int], valences: dict[str, float], seed: int) -> dict:
    """Returns random weights, except that words in the VADER lexicon are initialised with their valence."""
    rng = np.random.default_rng(seed)
    n_features = 2 * shape.width + shape.n_filters
    normal = lambda scale, *size: rng.normal(0, scale, size).astype(np.float32)
    own = normal(0.1, shape.n_ids, shape.width)
    for word, valence in valences.items():
        if word in vocabulary:
            own[vocabulary[word], :3] = np.array([valence, max(valence, 0), max(-valence, 0)]) * 0.25
    parameters = {
        "own": own,
        "ngram": normal(0.1, shape.n_ngrams, shape.width),
        "attention": np.zeros(shape.n_ids, np.float32),
        "filters": normal((3 * shape.width) ** -0.5, 3 * shape.width, shape.n_filters),
        "filters_bias": np.zeros(shape.n_filters, np.float32),
        "hidden": normal(n_features**-0.5, n_features, shape.n_hidden),
        "hidden_bias": np.zeros(shape.n_hidden, np.float32),
        "heads": normal(0.05, shape.n_hidden, N_OUTPUTS),
        "heads_bias": np.zeros(N_OUTPUTS, np.float32),
        "direct": np.zeros((n_features, N_OUTPUTS), np.float32),
    }
    return jax.tree.map(jnp.asarray, parameters)


def embeddings(parameters: dict, ids, index, scale):
    ngrams = parameters["ngram"][index] * (index > 0)[..., None]
    return parameters["own"][ids] + ngrams.sum(-2) / scale[:, None]


def pooled(parameters: dict, embedded, weight, mask):
    """Pools `embedded` (texts x tokens x width) with `weight` and `mask` (texts x tokens)."""
    mask = mask[..., None]
    embedded = embedded * mask
    n_tokens = mask.sum(1)
    mean = (embedded * jnp.exp(weight)[..., None]).sum(1) / jnp.sqrt(n_tokens + 1)
    strongest = jnp.max(jnp.where(mask > 0, embedded, -1e4), 1) * (n_tokens > 0)
    padded = jnp.pad(embedded, ((0, 0), (1, 1), (0, 0)))
    windows = jnp.concatenate([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]], -1)
    filtered = jax.nn.relu(windows @ parameters["filters"] + parameters["filters_bias"])
    phrases = jnp.max(jnp.where(mask > 0, filtered, 0), 1)
    return jnp.concatenate([mean, strongest, phrases], -1)


def heads(parameters: dict, features, keep=None):
    """Computes the logits. `keep` applies dropout during training; without it, nothing is dropped."""
    if keep is not None:
        features = keep(features)
    hidden = jax.nn.relu(features @ parameters["hidden"] + parameters["hidden_bias"])
    if keep is not None:
        hidden = keep(hidden)
    return hidden @ parameters["heads"] + parameters["heads_bias"] + features @ parameters["direct"]


def training_forward(parameters: dict, batch: dict, key, dropout: Dropout):
    """Computes the logits with dropout. Dropped tokens keep their position but lose their vector, so that no single word decides."""
    key_token, key_features, key_hidden = jax.random.split(key, 3)
    table = embeddings(parameters, batch["unique"], batch["index"], batch["scale"])
    mask = (batch["ids"] > PAD).astype(jnp.float32)
    kept = jax.random.bernoulli(key_token, 1 - dropout.token, mask.shape)
    embedded = table[batch["inverse"]] * kept[..., None]
    weight = jnp.where(kept, parameters["attention"][batch["ids"]], 0)
    keys = iter((key_features, key_hidden))

    def keep(values):
        mask = jax.random.bernoulli(next(keys), 1 - dropout.feature, values.shape)
        return values * mask / (1 - dropout.feature)

    return heads(parameters, pooled(parameters, embedded, weight, mask), keep)


def folded(parameters: dict, index: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Returns the single embedding table for export."""
    own, ngram = np.asarray(parameters["own"]), np.asarray(parameters["ngram"])
    table = own.copy()
    for start in range(0, len(own), 4096):
        rows = slice(start, start + 4096)
        table[rows] += (ngram[index[rows]] * (index[rows] > 0)[..., None]).sum(1) / scale[rows, None]
    return table


@jax.jit
def _plain_forward(parameters: dict, table, ids):
    mask = (ids > PAD).astype(jnp.float32)
    return heads(parameters, pooled(parameters, table[ids], parameters["attention"][ids], mask))


def predict(parameters: dict, table, ids: np.ndarray) -> np.ndarray:
    """Returns the logits for rows of ids, in their order. Rows of similar length run in the same batch."""
    out = np.zeros((len(ids), N_OUTPUTS), np.float32)
    lengths = (ids > PAD).sum(1)
    order = np.argsort(lengths, kind="stable")
    small = {name: value for name, value in parameters.items() if name not in ("own", "ngram")}
    for start in range(0, len(ids), 512):
        rows = order[start : start + 512]
        width = min(ids.shape[1], max(16, -(-int(lengths[rows].max()) // 16) * 16))
        block = np.zeros((512, width), np.int32)
        block[: len(rows)] = ids[rows, :width]
        out[rows] = np.asarray(_plain_forward(small, table, block))[: len(rows)]
    return out
