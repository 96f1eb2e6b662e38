"""Turns the swift checkpoint into `weights/swift`: ONNX graph, its levels, manifest, golden answers, hashes.

Embeddings are stored as int8 with one scale a row and widened after the lookup,
so the arithmetic is float throughout and answers do not depend on the batch.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer

import churn_labels
import corpora
import shipped
from development import Development, Levels
from shipped import quantized

NAME = "swift"
OPSET = 17


def graph(weights: dict[str, np.ndarray], levels: Levels) -> onnx.ModelProto:
    table, scale = quantized(weights["table"])
    attention = np.exp(weights["attention"])[:, None].astype(np.float32)
    attention[0] = 0
    width, n_filters = table.shape[1], weights["filters"].shape[1]
    taps = weights["filters"].reshape(3, width, n_filters)
    # One product for all three taps; the results are shifted against each other afterwards.
    taps = np.concatenate([taps[0], taps[1], taps[2]], 1)
    constants = {
        "table": table,
        "scale": scale,
        "attention": attention,
        "taps": taps,
        "filters_bias": weights["filters_bias"],
        "hidden_weight": weights["hidden"],
        "hidden_bias": weights["hidden_bias"],
        "heads_weight": weights["heads"] * levels.scale(),
        "heads_bias": levels.applied(weights["heads_bias"]),
        "direct": weights["direct"] * levels.scale(),
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, default=Path(__file__).parent / ".cache" / NAME)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "weights" / NAME)
    parser.add_argument("--version", default=shipped.todays_version(), help="such as 2026.11.21")
    args = parser.parse_args()
    corpora.require(args.data)

    weights, tokenizer = dict(np.load(args.checkpoint / "checkpoint.npz")), args.checkpoint / "tokenizer.json"
    development = Development(args.data, churn_labels.held_out(args.data))
    runner = shipped.Runner(shipped.answering_logits(graph(weights, Levels())), Tokenizer.from_file(str(tokenizer)))
    choices = development.choices(development.parts(lambda texts: runner.run(texts)["logits"]))
    levels = Levels(**choices["levels"])
    shipped.write(shipped.Parts(NAME, args.version, graph(weights, levels), tokenizer, choices), args.out)
    print(json.dumps(choices, indent=1))


if __name__ == "__main__":
    main()
