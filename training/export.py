"""Exports the swift checkpoint to `weights/swift`: ONNX graph with calibration, manifest, golden outputs, hashes.

Embeddings are stored as int8 with one scale per row and converted to float before use,
so all arithmetic is float and results do not depend on the batch.

The product of a token with a tap of the convolution depends only on the token, so the
graph multiplies the whole table by the taps and looks products up. The runtime folds
this into constants when it loads the model: the file stays small, and scoring a text
needs no matrix product over its tokens.
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


def constants(weights: dict[str, np.ndarray], levels: Levels) -> dict[str, np.ndarray]:
    """Returns the learned weights under the names that the graph uses."""
    table, scale = quantized(weights["table"])
    attention = np.exp(weights["attention"])[:, None].astype(np.float32)
    attention[0] = 0
    taps = weights["filters"].reshape(3, table.shape[1], -1)
    return {
        "table": table,
        "scale": scale,
        "attention": attention,
        "taps": np.concatenate(list(taps), 1),
        "filters_bias": weights["filters_bias"],
        "hidden_weight": weights["hidden"],
        "hidden_bias": weights["hidden_bias"],
        "heads_weight": weights["heads"] * levels.scale(),
        "heads_bias": levels.applied(weights["heads_bias"]),
        "direct": weights["direct"] * levels.scale(),
    }


def graph(learned: dict[str, np.ndarray]) -> onnx.ModelProto:
    n_ids, n_filters = len(learned["table"]), len(learned["filters_bias"])
    given = learned | {
        "zero": np.array(0, np.int64),
        "one": np.array(1, np.float32),
        "far": np.array([[-1e4]], np.float32),
        "other_ids": np.array([0, 0, n_ids - 1, 0], np.int64),
        "axis_1": np.array([1], np.int64),
        "later": np.array([0, 1, 0, -1], np.int64),
        "earlier": np.array([0, -1, 0, 1], np.int64),
        "three_taps": np.array([n_filters] * 3, np.int64),
        "kinds_split": np.array([3, 9], np.int64),
        "independent_split": np.array([7, 1, 1], np.int64),
    }
    node = helper.make_node
    folded = [
        node("Cast", ["table"], ["table_float"], to=TensorProto.FLOAT),
        node("Mul", ["table_float", "scale"], ["embeddings"]),
        # Gives padding a value below any possible maximum.
        node("Pad", ["far", "other_ids"], ["nowhere"]),
        node("Add", ["embeddings", "nowhere"], ["embeddings_there"]),
        node("MatMul", ["embeddings", "taps"], ["tapped"]),
        node("Split", ["tapped", "three_taps"], ["before", "here_anywhere", "after"], axis=1),
        node("Add", ["here_anywhere", "nowhere"], ["here"]),
        node("Squeeze", ["attention", "axis_1"], ["attention_flat"]),
    ]
    nodes = folded + [
        node("Greater", ["input_ids", "zero"], ["present"]),
        node("Cast", ["present"], ["mask"], to=TensorProto.FLOAT),
        node("ReduceSum", ["mask", "axis_1"], ["n_tokens"], keepdims=1),
        node("Gather", ["embeddings_there", "input_ids"], ["embedded"], axis=0),
        # Weighted sum, scaled by length. Padding has weight zero.
        node("Gather", ["attention_flat", "input_ids"], ["weight_flat"], axis=0),
        node("Unsqueeze", ["weight_flat", "axis_1"], ["weight"]),
        node("MatMul", ["weight", "embedded"], ["sum_row"]),
        node("Squeeze", ["sum_row", "axis_1"], ["sum"]),
        node("Add", ["n_tokens", "one"], ["n_tokens_1"]),
        node("Sqrt", ["n_tokens_1"], ["tempering"]),
        node("Div", ["sum", "tempering"], ["mean"]),
        # Maximum of each dimension; zero if there are no tokens.
        node("ReduceMax", ["embedded"], ["strongest_any"], axes=[1], keepdims=0),
        node("Min", ["n_tokens", "one"], ["any"]),
        node("Mul", ["strongest_any", "any"], ["strongest"]),
        # Convolution over three neighbours, and its maximum. Rectifying after the maximum
        # is equivalent to rectifying before it, and cheaper.
        node("Pad", ["input_ids", "later"], ["ids_before"]),
        node("Pad", ["input_ids", "earlier"], ["ids_after"]),
        node("Gather", ["before", "ids_before"], ["filtered_before"], axis=0),
        node("Gather", ["here", "input_ids"], ["filtered_here"], axis=0),
        node("Gather", ["after", "ids_after"], ["filtered_after"], axis=0),
        node("Add", ["filtered_before", "filtered_here"], ["two_taps"]),
        node("Add", ["two_taps", "filtered_after"], ["filtered"]),
        node("ReduceMax", ["filtered"], ["phrases_raw"], axes=[1], keepdims=0),
        node("Add", ["phrases_raw", "filters_bias"], ["phrases_biased"]),
        node("Relu", ["phrases_biased"], ["phrases"]),
        # Heads.
        node("Concat", ["mean", "strongest", "phrases"], ["features"], axis=1),
        node("Gemm", ["features", "hidden_weight", "hidden_bias"], ["hidden_raw"]),
        node("Relu", ["hidden_raw"], ["hidden"]),
        node("Gemm", ["hidden", "heads_weight", "heads_bias"], ["from_hidden"]),
        node("Gemm", ["features", "direct", "from_hidden"], ["logits"]),
        node("Split", ["logits", "kinds_split"], ["sentiment_raw", "independent_raw"], axis=1),
        node("Softmax", ["sentiment_raw"], ["sentiment"], axis=1),
        node("Sigmoid", ["independent_raw"], ["independent"]),
        node("Split", ["independent", "independent_split"], ["emotion", "toxicity_column", "churn_column"], axis=1),
        node("Squeeze", ["toxicity_column", "axis_1"], ["toxicity"]),
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
            for name, value in given.items()
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
    runner = shipped.Runner(shipped.answering_logits(graph(constants(weights, Levels()))), Tokenizer.from_file(str(tokenizer)))
    choices = development.choices(development.parts(lambda texts: runner.run(texts)["logits"]))
    levels = Levels(**choices["levels"])
    shipped.write(shipped.Parts(NAME, args.version, graph(constants(weights, levels)), tokenizer, choices), args.out)
    print(json.dumps(choices, indent=1))


if __name__ == "__main__":
    main()
