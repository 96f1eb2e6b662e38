"""Exports deep checkpoints to `weights/deep`: int8 graph with calibration, manifest, golden outputs and hashes.

The weights of several checkpoints are averaged ("model soups", Wortsman et al. 2022): runs with the same initial weights
but a different order of texts end in the same valley of the loss, whose middle is better than its sides. Calibration and
thresholds are fitted on the int8 graph's outputs for the development sets. The float32 graph, for comparison only, uses the
same calibration and goes to a separate folder.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

import churn_labels
import corpora
import deep_graph
import shipped
from development import Development, Levels

NAME = "deep"


def weights_of(checkpoint: Path) -> dict:
    """Returns the weights of the finished network or, while the run is in progress, its current mean."""
    finished = checkpoint / "network.pt"
    if finished.exists():
        found = torch.load(finished, map_location="cpu", weights_only=True)
    else:
        mean = torch.load(checkpoint / "state.pt", map_location="cpu", weights_only=True)["mean"]
        found = {name.removeprefix("module."): value for name, value in mean.items() if name != "n_averaged"}
    return {name: value.float().numpy() for name, value in found.items()}


def mean_of(checkpoints: list[Path]) -> dict:
    """Returns the mean of networks with the same vocabulary."""
    tokenizers = {(checkpoint / "tokenizer.json").read_bytes() for checkpoint in checkpoints}
    if len(tokenizers) > 1:
        raise SystemExit("checkpoints with different tokenizers cannot be averaged")
    networks = [weights_of(checkpoint) for checkpoint in checkpoints]
    return {name: np.mean([network[name] for network in networks], 0) for name in networks[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, action="append", required=True, help="several are averaged")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "weights" / NAME)
    parser.add_argument("--fp32", type=Path, help="folder to also write the float32 model to")
    parser.add_argument("--version", default=shipped.todays_version(), help="such as 2026.11.21")
    args = parser.parse_args()
    corpora.require(args.data)

    weights, tokenizer = mean_of(args.checkpoint), args.checkpoint[0] / "tokenizer.json"
    development = Development(args.data, churn_labels.held_out(args.data))
    found = {}
    for kind in ("int8", "fp32") if args.fp32 else ("int8",):
        plain = shipped.answering_logits(deep_graph.model(weights, Levels(), kind == "int8"))
        runner = shipped.Runner(plain, Tokenizer.from_file(str(tokenizer)))
        found[kind] = development.parts(lambda texts: runner.run(texts)["logits"])
        print(f"{kind:<5}{development.report(found[kind])}", flush=True)
    choices = development.choices(found["int8"])
    levels = Levels(**choices["levels"])
    for kind, out in (("int8", args.out), ("fp32", args.fp32)):
        if out is not None:
            network = deep_graph.model(weights, levels, kind == "int8")
            shipped.write(shipped.Parts(NAME, args.version, network, tokenizer, choices), out)
    print(json.dumps(choices, indent=1))


if __name__ == "__main__":
    main()
