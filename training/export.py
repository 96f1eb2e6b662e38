"""Turns the checkpoint into `weights/swift`: ONNX graph, tokenizer, manifest, golden answers, hashes.

Embeddings are stored as int8 with one scale a row and widened after the lookup,
so the arithmetic is float throughout and answers do not depend on the batch.
"""

import argparse
import datetime
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer

from corpora import EMOTIONS, SENTIMENTS

NAME = "swift"
# Texts longer than this are read up to here: four times the length of a long tweet.
MAX_TOKENS = 192
OPSET = 17

GOLDEN_TEXTS = [
    "I absolutely love this, best day ever!",
    "Worst service ever. Never again.",
    "The train leaves at ten.",
    "I loooooove this soooo much!!!!!!",
    "@bob have you seen https://t.co/AbC123?x=1 yet? www.example.org",
    "#BestDayEver #blessed 😂😂😂😂",
    "not good at all :( ... but :-) later ;) <3 <333 xD",
    "can't won't don't I’m it`s",
    "AT&amp;T &lt;3 you &gt; them &#39;quoted&#39;",
    "RT @someone: this is huge ‼️",
    "",
    "   \n\t  ",
    "\u200d\ufe0f",
    "😍",
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
]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def quantized(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    table = table.copy()
    table[0] = 0  # padding adds nothing
    scale = np.abs(table).max(1, keepdims=True) / 127
    whole = np.round(np.divide(table, scale, out=np.zeros_like(table), where=scale > 0))
    return whole.astype(np.int8), scale.astype(np.float32)


def graph(weights: dict[str, np.ndarray], temperature: float, churn_shift: float) -> onnx.ModelProto:
    table, scale = quantized(weights["table"])
    attention = np.exp(weights["attention"])[:, None].astype(np.float32)
    attention[0] = 0
    width, n_filters = table.shape[1], weights["filters"].shape[1]
    taps = weights["filters"].reshape(3, width, n_filters)
    # One product for all three taps; the results are shifted against each other afterwards.
    taps = np.concatenate([taps[0], taps[1], taps[2]], 1)
    bias = weights["heads_bias"].copy()
    bias[11] += churn_shift
    head_scale = np.ones(12, np.float32)
    head_scale[:3] = 1 / temperature
    constants = {
        "table": table,
        "scale": scale,
        "attention": attention,
        "taps": taps,
        "filters_bias": weights["filters_bias"],
        "hidden_weight": weights["hidden"],
        "hidden_bias": weights["hidden_bias"],
        "heads_weight": weights["heads"] * head_scale,
        "heads_bias": bias * head_scale,
        "direct": weights["direct"] * head_scale,
        "zero": np.array(0, np.int64),
        "one": np.array(1, np.float32),
        "far": np.array(1e4, np.float32),
        "axis_1": np.array([1], np.int64),
        "axis_2": np.array([2], np.int64),
        "later": np.array([0, 1, 0, 0, -1, 0], np.int64),
        "earlier": np.array([0, -1, 0, 0, 1, 0], np.int64),
        "three_taps": np.array([n_filters] * 3, np.int64),
        "heads_split": np.array([3, 7, 1, 1], np.int64),
    }
    node = helper.make_node
    nodes = [
        node("Greater", ["input_ids", "zero"], ["present"]),
        node("Cast", ["present"], ["mask_flat"], to=TensorProto.FLOAT),
        node("Unsqueeze", ["mask_flat", "axis_2"], ["mask"]),
        node("ReduceSum", ["mask_flat", "axis_1"], ["n_tokens"], keepdims=1),
        node("Sub", ["mask", "one"], ["mask_below"]),
        node("Mul", ["mask_below", "far"], ["nowhere"]),
        # Embeddings.
        node("Gather", ["table", "input_ids"], ["rows"], axis=0),
        node("Cast", ["rows"], ["rows_float"], to=TensorProto.FLOAT),
        node("Gather", ["scale", "input_ids"], ["row_scale"], axis=0),
        node("Mul", ["rows_float", "row_scale"], ["embedded"]),
        # Weighted sum, tempered by length.
        node("Gather", ["attention", "input_ids"], ["weight"], axis=0),
        node("Mul", ["embedded", "weight"], ["weighted"]),
        node("ReduceSum", ["weighted", "axis_1"], ["sum"], keepdims=0),
        node("Add", ["n_tokens", "one"], ["n_tokens_1"]),
        node("Sqrt", ["n_tokens_1"], ["tempering"]),
        node("Div", ["sum", "tempering"], ["mean"]),
        # The strongest value of each dimension; nothing where there is no token.
        node("Add", ["embedded", "nowhere"], ["embedded_there"]),
        node("ReduceMax", ["embedded_there"], ["strongest_any"], axes=[1], keepdims=0),
        node("Min", ["n_tokens", "one"], ["any"]),
        node("Mul", ["strongest_any", "any"], ["strongest"]),
        # The convolution over three neighbours and its strongest answer. Rectifying after the
        # maximum is the same as before it, and less work.
        node("MatMul", ["embedded", "taps"], ["tapped"]),
        node("Split", ["tapped", "three_taps"], ["before", "here", "after"], axis=2),
        node("Pad", ["before", "later"], ["before_shifted"]),
        node("Pad", ["after", "earlier"], ["after_shifted"]),
        node("Add", ["before_shifted", "here"], ["two_taps"]),
        node("Add", ["two_taps", "after_shifted"], ["filtered"]),
        node("Add", ["filtered", "nowhere"], ["filtered_there"]),
        node("ReduceMax", ["filtered_there"], ["phrases_raw"], axes=[1], keepdims=0),
        node("Add", ["phrases_raw", "filters_bias"], ["phrases_biased"]),
        node("Relu", ["phrases_biased"], ["phrases"]),
        # Heads.
        node("Concat", ["mean", "strongest", "phrases"], ["features"], axis=1),
        node("Gemm", ["features", "hidden_weight", "hidden_bias"], ["hidden_raw"]),
        node("Relu", ["hidden_raw"], ["hidden"]),
        node("Gemm", ["hidden", "heads_weight", "heads_bias"], ["from_hidden"]),
        node("MatMul", ["features", "direct"], ["from_features"]),
        node("Add", ["from_hidden", "from_features"], ["logits"]),
        node("Split", ["logits", "heads_split"], ["sentiment_raw", "emotion_raw", "toxicity_raw", "churn_raw"], axis=1),
        node("Softmax", ["sentiment_raw"], ["sentiment"], axis=1),
        node("Sigmoid", ["emotion_raw"], ["emotion"]),
        node("Sigmoid", ["toxicity_raw"], ["toxicity_column"]),
        node("Squeeze", ["toxicity_column", "axis_1"], ["toxicity"]),
        node("Sigmoid", ["churn_raw"], ["churn_column"]),
        node("Squeeze", ["churn_column", "axis_1"], ["churn_risk"]),
    ]
    floats = lambda name, *size: helper.make_tensor_value_info(name, TensorProto.FLOAT, list(size))
    body = helper.make_graph(
        nodes,
        NAME,
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["texts", "tokens"])],
        [floats("sentiment", "texts", 3), floats("emotion", "texts", 7), floats("toxicity", "texts"), floats("churn_risk", "texts")],
        [
            numpy_helper.from_array(value if value.dtype in (np.int8, np.int64) else value.astype(np.float32), name)
            for name, value in constants.items()
        ],
    )
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="groundswell")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


class Swift:
    """The exported model, run as the server runs it."""

    def __init__(self, folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        self.max_tokens = manifest["max_tokens"]
        self.manifest = manifest
        self.tokenizer = Tokenizer.from_file(str(folder / manifest["tokenizer"]["file"]))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(folder / manifest["model"]["file"]), options, providers=["CPUExecutionProvider"])

    def ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text[:10_000]).ids[: self.max_tokens]

    def run(self, texts: list[str]) -> dict[str, np.ndarray]:
        """Outputs by name, in the order of the texts."""
        all_ids = [self.ids(text) for text in texts]
        order = sorted(range(len(texts)), key=lambda i: len(all_ids[i]))
        found: dict[str, list] = {}
        for start in range(0, len(order), 256):
            part = order[start : start + 256]
            rows = np.zeros((len(part), max(1, max(len(all_ids[i]) for i in part))), np.int64)
            for row, i in zip(rows, part):
                row[: len(all_ids[i])] = all_ids[i]
            for output, values in zip(self.session.get_outputs(), self.session.run(None, {"input_ids": rows})):
                found.setdefault(output.name, []).append(values)
        back = np.argsort(order)
        return {name: np.concatenate(parts)[back] for name, parts in found.items()}


def write(checkpoint: Path, out: Path, version: str) -> None:
    weights = dict(np.load(checkpoint / "checkpoint.npz"))
    meta = json.loads((checkpoint / "meta.json").read_text())
    out.mkdir(parents=True, exist_ok=True)
    onnx.save(graph(weights, meta["temperature"], meta.get("churn_shift", 0.0)), str(out / "model.onnx"))
    (out / "tokenizer.json").write_bytes((checkpoint / "tokenizer.json").read_bytes())
    manifest = {
        "name": NAME,
        "version": version,
        "model": {"file": "model.onnx", "sha256": sha256(out / "model.onnx")},
        "tokenizer": {"file": "tokenizer.json", "sha256": sha256(out / "tokenizer.json")},
        "input": "input_ids",
        "pad_id": 0,
        "max_tokens": MAX_TOKENS,
        "n_ids": int(weights["table"].shape[0]),
        "outputs": {
            "sentiment": {"name": "sentiment", "labels": SENTIMENTS},
            "emotion": {"name": "emotion", "labels": EMOTIONS},
            "toxicity": "toxicity",
            "churn_risk": "churn_risk",
        },
        "temperatures": {"sentiment": meta["temperature"]},
        "thresholds": {
            "emotion": dict(zip(EMOTIONS, meta["emotion_thresholds"])),
            "toxicity": meta["offensive_threshold"],
            "churn_risk": 0.8,
        },
    }
    (out / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")

    swift = Swift(out)
    golden = []
    for text in GOLDEN_TEXTS:
        found = swift.run([text])
        golden.append(
            {
                "text": text,
                "ids": swift.ids(text),
                "sentiment": [round(float(value), 5) for value in found["sentiment"][0]],
                "emotion": [round(float(value), 5) for value in found["emotion"][0]],
                "toxicity": round(float(found["toxicity"][0]), 5),
                "churn_risk": round(float(found["churn_risk"][0]), 5),
            }
        )
    rows = ",\n".join(json.dumps(row) for row in golden)
    (out / "golden.json").write_text(f"[\n{rows}\n]\n")


def write_hashes(out: Path) -> None:
    names = ["model.onnx", "tokenizer.json", "manifest.json", "golden.json"]
    (out / "SHA256SUMS").write_text("".join(f"{sha256(out / name)}  {name}\n" for name in names))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=Path(__file__).parent / ".cache" / "swift")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "weights" / "swift")
    today = datetime.date.today()
    parser.add_argument("--version", default=f"{today.year}.{today.month}.{today.day}", help="such as 2026.11.21")
    args = parser.parse_args()
    write(args.checkpoint, args.out, args.version)
    write_hashes(args.out)
    for path in sorted(args.out.iterdir()):
        print(f"{path.stat().st_size:>10}  {path.name}")


if __name__ == "__main__":
    main()
