"""Labels for churn intent: hand-written rows, real posts judged by hand, and weak labels.

There is no adequate public data set, so these are the only labels; churn/README.md
defines what counts as churn. Held-out rows never enter training: training rows
that are near-duplicates of them are dropped, and variations are made from the
training part only.
"""

import csv
import hashlib
import random
import re
from collections.abc import Iterable
from pathlib import Path

import churn_templates
import corpora
from corpora import Example

FOLDER = Path(__file__).parent / "churn"
HELD_OUT_SHARE = 0.3
# Minimum share of the shorter text's four-word sequences. Unrelated texts also share sequences such as "how do i cancel my", but fewer.
NEAR = 0.5

STRONG = [
    r"\b(cancel(?:l?ing|l?ed)?|clos(?:e|ing|ed)|delet(?:e|ing|ed)|terminat(?:e|ing|ed)|end(?:ing|ed)?) (?:my|our|the) "
    r"(?:\S+ )?(?:subscription|account|membership|contract|service|plan|policy)\b",
    r"\b(?:switch(?:ing|ed)?|mov(?:e|ing|ed)) (?:over )?to (?:another|a different|a new|a better) "
    r"(?:provider|carrier|company|bank|network|service|airline)\b",
    r"\b(?:never|not) (?:flying|ordering|buying|shopping|using|renewing|staying)\b.*\b(?:again|anymore)\b",
    r"\b(?:lost|losing) (?:a|another|your|me as a) (?:loyal )?customer\b",
    r"\btak(?:e|ing) my business elsewhere\b",
]
DENIED = re.compile(r"\b(?:not|never|don't|won't|didn't|please|by mistake)\b[^.]{0,20}\b(?:cancel|close|delet|terminat)", re.I)
ANY_CUE = re.compile(
    r"cancel|unsubscri|switch|leaving|\bleave|alternativ|goodbye|\bbye\b|never again|i'm out|done with|renew|elsewhere|delet|customer",
    re.I,
)
STRONG_RE = re.compile("|".join(STRONG), re.I)


def seed() -> tuple[list[Example], list[Example]]:
    """Returns the hand-written rows as (training part, held-out part).

    The first 490 are split by a hash, the later ones by whole groups, so that no voice of a held-out
    row occurs in a training row. Only rows labelled 0 or 1 are held out, so 0.5 separates them safely.
    """
    train, held_out = [], []
    for row in table("seed.tsv"):
        (held_out if is_held_out(row["text"]) else train).append(written(row))
    train += [written(row) for row in table("train.tsv")]
    held_out += [written(row) for row in table("held_out.tsv")]
    return apart_from(train, held_out), held_out


def real(root: Path) -> tuple[list[Example], list[Example]]:
    """Returns the judged posts from the public data sets as (training part, held-out part).

    The repository contains only hashes and judgements, so this looks the posts up in `root`. A missing
    post ends the program, because otherwise the figures would change silently.
    """
    judged = judgements()
    found = {key(text): text for text in mined(root) if key(text) in judged}
    if missing := judged.keys() - found.keys():
        raise SystemExit(f"{len(missing)} of {len(judged)} judged posts are not in the data sets under {root}")
    train, held_out = [], []
    for name, label in judged.items():
        example = Example(found[name], churn=label, source="churn-real", weight=2.0)
        if not is_held_out(example.text):
            train.append(example)
        elif label in (0.0, 1.0):
            held_out.append(example)
    return apart_from(train, held_out), held_out


def held_out(root: Path) -> list[Example]:
    """Returns all held-out rows, hand-written and real."""
    return seed()[1] + real(root)[1]


def variations(train: list[Example], rng: random.Random, n_per_template: int = 20, n_per_row: int = 2) -> list[Example]:
    """Returns template sentences, composed sentences, and training rows with mentions replaced by brands and words dropped."""
    examples = churn_templates.filled(rng, n_per_template) + churn_templates.composed(rng, 100 * n_per_template)
    for example in train * n_per_row:
        words = [word for word in example.text.split() if rng.random() > 0.15]
        text = " ".join(rng.choice(churn_templates.BRANDS) if word == "@user" else word for word in words)
        examples.append(Example(text, churn=example.churn, source="churn-variation", weight=0.7))
    return apart_from(examples, seed()[1])


def weakly_label(examples: list[Example]) -> int:
    """Labels examples from other data sets: positive with a strong phrase, negative without any cue.

    A text with a cue but no strong phrase stays unlabelled. So does a judged post, because `real`
    provides those and some are held out. Returns the number of positives.
    """
    n_positive, judged = 0, judgements()
    for example in examples:
        if example.churn is not None or key(example.text) in judged:
            continue
        if STRONG_RE.search(example.text) and not DENIED.search(example.text):
            example.churn = 0.85
            n_positive += 1
        elif not ANY_CUE.search(example.text):
            example.churn = 0.0
    return n_positive


def apart_from(examples: list[Example], held_out: list[Example]) -> list[Example]:
    """Returns the examples that are not near-duplicates of a held-out text."""
    of_gram = by_gram(held_out)
    return [example for example in examples if not is_near(four_grams(example.text), of_gram)]


def forget_near(examples: list[Example], held_out: list[Example]) -> None:
    """Removes the churn label from every example that is a near-duplicate of a held-out text, whatever its source."""
    of_gram = by_gram(held_out)
    for example in examples:
        if example.churn is not None and is_near(four_grams(example.text), of_gram):
            example.churn = None


def by_gram(examples: list[Example]) -> dict[tuple[str, ...], list[set]]:
    of_gram: dict[tuple[str, ...], list[set]] = {}
    for example in examples:
        grams = four_grams(example.text)
        for gram in grams:
            of_gram.setdefault(gram, []).append(grams)
    return of_gram


def is_near(grams: set, of_gram: dict) -> bool:
    others = (other for gram in grams for other in of_gram.get(gram, ()))
    return any(len(grams & other) >= NEAR * min(len(grams), len(other)) for other in others)


def four_grams(text: str) -> set[tuple[str, ...]]:
    """Returns all four-word sequences, ignoring mentions and punctuation; a shorter text is a single sequence."""
    words = re.findall(r"[^\W_]+(?:'[^\W_]+)?", re.sub(r"@\w+", "", text.lower()).replace("’", "'"))
    return {tuple(words[i : i + 4]) for i in range(max(1, len(words) - 3))} - {()}


def mined(root: Path) -> Iterable[str]:
    """Yields every text that may have been judged, from training splits only."""
    yield from (example.text for example in corpora.semeval(root))
    yield from (example.text for example in corpora.emotion_examples(root))
    yield from (example.text for example in corpora.toxicity_examples(root))
    yield from corpora.customer_care(root)
    yield from corpora.event_tweets(root)


def key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_held_out(text: str) -> bool:
    return int(key(text)[:8], 16) / 0x100000000 < HELD_OUT_SHARE


def judgements() -> dict[str, float]:
    return {row["sha256"]: float(row["label"]) for row in table("real.tsv")}


def written(row: dict[str, str]) -> Example:
    return Example(row["text"], churn=float(row["label"]), source="churn-seed", weight=2.0)


def table(name: str) -> list[dict[str, str]]:
    with open(FOLDER / name, encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
