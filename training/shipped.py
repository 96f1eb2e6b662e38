"""A model's folder under `weights`: runs its network as the server does, and writes its other files."""

import datetime
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from tokenizers import Tokenizer

from corpora import EMOTIONS, SENTIMENTS

# Longer texts are truncated: four times the length of a long tweet.
MAX_TOKENS = 192
N_CHARACTERS_MAX = 10_000
# Padded tokens in one run. With 2,048, the deep model's intermediate values exceed the L2 cache, and it is a fifth
# slower; with fewer than these, the fixed cost per run dominates.
RUN_TOKENS = 512
OUTPUTS = ("sentiment", "emotion", "toxicity", "churn_risk")

GOLDEN_TEXTS = [
    "I absolutely love this, best day ever!",
    "Worst service ever. Never again.",
    "The train leaves at ten.",
    "I loooooove this soooo much!!!!!!",
    "@bob have you seen https://t.co/AbC123?x=1 yet? www.example.org",
    "#BestDayEver #blessed 😂😂😂😂",
    "not good at all :( ... but :-) later ;) <3 <333 xD",
    "can't won't don't I’m it`s",
    "AT&amp;T &lt;3 you &gt; them &#39;quoted&#39; &quot;really&quot; “so”",
    "RT @someone: this is huge ‼️",
    "oh great, another delay. just what I needed /s",
    "Yeah right... 'best' airline ever 🙄 #sarcasm #not",
    "lovely, my parcel is lost AGAIN. slow clap 👏👏👏",
    "",
    "   \n\t  ",
    "\u200d\ufe0f",
    "😍",
    "🤬🤬 🥹",
    "👩‍👩‍👧‍👦 family 🏳️‍🌈 👍🏽",
    "Это просто ужасно, больше никогда",
    "خدمة سيئة جدا",
    "מוצר מעולה תודה",
    "とても良いです",
    "这个产品很差",
    "¡Qué pelea tan increíble! ñandú",
    "\u202eright to left override\u202c end",
    "null\u0000byte",
    "ｆｕｌｌｗｉｄｔｈ ﬁligature ½",
    "e\u0301 combining vs é",
    "1000000 111 2017-08-27 $99.99 50% off",
    "http",
    "@",
    "#",
    "a@b.com",
    "!!!???!?!?...",
    "Third outage this month. I'm cancelling my subscription and switching to your competitor.",
    "my flight got cancelled, stuck at the airport",
    "you are such an idiot, shut up",
    "omg I did not expect that, wow",
    "so scared of the exam tomorrow",
    "Mayweather by TKO in the 10th! What a fight #MayweatherMcGregor",
    "()()()()()()((((:::::",
    "never again " * 150,
    "x" * 9_000 + " that was a long word",
]


class Runner:
    """A network and its tokenizer, on one thread: maps texts to one array per output."""

    def __init__(self, network: bytes, tokenizer: Tokenizer, max_tokens: int = MAX_TOKENS) -> None:
        self.tokenizer, self.max_tokens = tokenizer, max_tokens
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])

    def ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text[:N_CHARACTERS_MAX], add_special_tokens=False).ids[: self.max_tokens]

    def run(self, texts: list[str]) -> dict[str, np.ndarray]:
        """Returns the outputs by name, in the order of the texts. Texts of similar length run in the same batch."""
        all_ids = [self.ids(text) for text in texts]
        order = sorted(range(len(texts)), key=lambda i: len(all_ids[i]))
        found: dict[str, list] = {}
        for part in self.batches(order, all_ids):
            rows = np.zeros((len(part), max(1, len(all_ids[part[-1]]))), np.int64)
            for row, i in zip(rows, part):
                row[: len(all_ids[i])] = all_ids[i]
            for output, values in zip(self.session.get_outputs(), self.session.run(None, {"input_ids": rows})):
                found.setdefault(output.name, []).append(values)
        back = np.argsort(order)
        return {name: np.concatenate(parts)[back] for name, parts in found.items()}

    @staticmethod
    def batches(order: list[int], all_ids: list[list[int]]) -> Iterator[list[int]]:
        """Splits the order, shortest texts first, into batches that stay within the token budget when padded to their longest text."""
        start = 0
        for stop, i in enumerate(order):
            if stop > start and (stop + 1 - start) * len(all_ids[i]) > RUN_TOKENS:
                yield order[start:stop]
                start = stop
        if start < len(order):
            yield order[start:]


class Shipped(Runner):
    """A model loaded from its folder."""

    def __init__(self, folder: Path) -> None:
        self.manifest = json.loads((folder / "manifest.json").read_text())
        tokenizer = Tokenizer.from_file(str(folder / self.manifest["tokenizer"]["file"]))
        super().__init__((folder / self.manifest["model"]["file"]).read_bytes(), tokenizer, self.manifest["max_tokens"])


@dataclass(frozen=True)
class Parts:
    """The contents of a folder. `choices` come from development.py."""

    name: str
    version: str
    network: onnx.ModelProto
    tokenizer: Path
    choices: dict


def quantized(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quantises embeddings to bytes with one scale per row; the padding row is zero."""
    table = table.copy()
    table[0] = 0
    scale = np.abs(table).max(1, keepdims=True) / 127
    whole = np.round(np.divide(table, scale, out=np.zeros_like(table), where=scale > 0))
    return whole.astype(np.int8), scale.astype(np.float32)


def answering_logits(network: onnx.ModelProto) -> bytes:
    """Adds the twelve logits to the network's outputs, for fitting the calibration."""
    network.graph.output.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["texts", 12]))
    return network.SerializeToString()


def write(parts: Parts, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    onnx.save(parts.network, str(out / "model.onnx"))
    (out / "tokenizer.json").write_bytes(parts.tokenizer.read_bytes())
    manifest = {
        "name": parts.name,
        "version": parts.version,
        "model": {"file": "model.onnx", "sha256": sha256(out / "model.onnx")},
        "tokenizer": {"file": "tokenizer.json", "sha256": sha256(out / "tokenizer.json")},
        "inputs": ["input_ids"],
        "special_tokens": False,
        "pad_id": 0,
        "max_tokens": MAX_TOKENS,
        "n_ids": Tokenizer.from_file(str(parts.tokenizer)).get_vocab_size(),
        "batch_tokens": RUN_TOKENS,
        "languages": ["en"],
        "outputs": {
            "sentiment": {"name": "sentiment", "labels": SENTIMENTS},
            "emotion": {"name": "emotion", "labels": EMOTIONS},
            "toxicity": "toxicity",
            "churn_risk": "churn_risk",
        },
        # Already part of the graph, and listed here only for information.
        "temperatures": parts.choices["temperatures"],
        "thresholds": {
            "emotion": dict(zip(EMOTIONS, parts.choices["emotion_thresholds"])),
            "toxicity": parts.choices["offensive_threshold"],
            "churn_risk": 0.8,
        },
    }
    seal(out, manifest)


def replace_network(network: onnx.ModelProto, folder: Path) -> None:
    """Replaces the graph of the same weights and keeps everything else in the folder."""
    manifest = json.loads((folder / "manifest.json").read_text())
    onnx.save(network, str(folder / "model.onnx"))
    manifest["model"]["sha256"] = sha256(folder / "model.onnx")
    seal(folder, manifest)


def seal(out: Path, manifest: dict) -> None:
    """Writes the manifest, golden outputs and hashes for the network and tokenizer in the folder."""
    (out / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    write_golden(out)
    names = ["model.onnx", "tokenizer.json", "manifest.json", "golden.json"]
    (out / "SHA256SUMS").write_text("".join(f"{sha256(out / name)}  {name}\n" for name in names))


def write_golden(out: Path) -> None:
    """Writes texts with their ids and outputs, each run alone, which the Rust tests must reproduce."""
    shipped, golden = Shipped(out), []
    for text in GOLDEN_TEXTS:
        found = shipped.run([text])
        answers = {name: np.round(found[name][0].astype(float), 5).tolist() for name in OUTPUTS}
        golden.append({"text": text, "ids": shipped.ids(text)} | answers)
    rows = ",\n".join(json.dumps(row) for row in golden)
    (out / "golden.json").write_text(f"[\n{rows}\n]\n")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def todays_version() -> str:
    today = datetime.date.today()
    return f"{today.year}.{today.month}.{today.day}"
