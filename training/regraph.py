"""Rebuilds the graph of `weights/swift` from the weights it contains.

For changes to the graph that do not affect the outputs: trains nothing and reads no data sets.
Compares the outputs of the old and the new graph on all given texts, and writes nothing if they
differ.
"""

import argparse
import csv
import gzip
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from tokenizers import Tokenizer

import export
import shipped

ROOT = Path(__file__).parent.parent
# Reordered sums may differ in their last digits only.
DIFFERENCE_MAX = 1e-5


def learned(network: onnx.ModelProto) -> dict[str, np.ndarray]:
    found = {value.name: numpy_helper.to_array(value) for value in network.graph.initializer}
    names = ["table", "scale", "attention", "taps", "filters_bias", "hidden_weight", "hidden_bias", "heads_weight", "heads_bias", "direct"]
    return {name: found[name] for name in names}


def difference(before: shipped.Runner, after: shipped.Runner, texts: list[str]) -> float:
    old, new = before.run(texts), after.run(texts)
    return max(float(np.abs(old[name] - new[name]).max()) for name in shipped.OUTPUTS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "weights" / export.NAME)
    parser.add_argument("--texts", type=Path, default=ROOT / "data" / "mayweather-mcgregor_tweets.csv.gz")
    args = parser.parse_args()

    with gzip.open(args.texts, "rt", newline="") as rows:
        texts = [row["text"] for row in csv.DictReader(rows)] + shipped.GOLDEN_TEXTS
    network = export.graph(learned(onnx.load(str(args.folder / "model.onnx"))))
    tokenizer = Tokenizer.from_file(str(args.folder / "tokenizer.json"))
    found = difference(shipped.Shipped(args.folder), shipped.Runner(network.SerializeToString(), tokenizer), texts)
    print(f"{len(texts)} texts: outputs differ by at most {found:.1e}")
    if found > DIFFERENCE_MAX:
        raise SystemExit(f"that is more than {DIFFERENCE_MAX:.0e}: nothing was written")
    shipped.replace_network(network, args.folder)


if __name__ == "__main__":
    main()
