"""The models under evaluation: the exported networks, run as in the server, and the server itself.

Outputs are cached by the hash of the weights, because the large data sets take minutes.
"""

import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np

from shipped import OUTPUTS as HEADS
from shipped import Shipped

Answers = dict[str, np.ndarray]


class OnnxModel(Shipped):
    """A folder under `weights/`, run by ONNX Runtime on one thread, in batches of similar length as in the server."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        network = folder / self.manifest["model"]["file"]
        self.megabytes = network.stat().st_size / 1e6
        # Every export rewrites the files, so the cache key is derived from their content.
        self.key = hashlib.sha256(network.read_bytes() + self.tokenizer.to_str().encode()).hexdigest()[:16]

    def answer(self, texts: list[str]) -> Answers:
        """Returns one row per text, in order."""
        found = self.run(texts)
        return {head: found[head] for head in HEADS}


class Server:
    """The `groundswell` binary, whose `score` command runs a single model."""

    def __init__(self, binary: Path, model: str) -> None:
        self.binary, self.model = binary, model
        self.key = f"{model}-{hashlib.sha256(binary.read_bytes()).hexdigest()[:16]}"

    def answer(self, texts: list[str]) -> Answers:
        """Returns one row per text, in order. Sends each text as a JSON string, because it may contain line breaks."""
        lines = "".join(json.dumps(text) + "\n" for text in texts)
        command = [str(self.binary), "score", "-", "--model", self.model, "--raw"]
        done = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, check=True)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(rows) == len(texts), f"{len(texts)} texts but {len(rows)} results"
        return {head: np.array([row[head] for row in rows], np.float32) for head in HEADS}


class Remembered:
    """A model whose outputs for a named data set are cached in a folder."""

    def __init__(self, model: OnnxModel | Server, folder: Path) -> None:
        self.model, self.folder = model, folder
        folder.mkdir(parents=True, exist_ok=True)

    def answer(self, name: str, texts: list[str]) -> Answers:
        digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]
        path = self.folder / f"{self.model.key}-{name}-{digest}.npz"
        if not path.exists():
            np.savez(path, **self.model.answer(texts))
        with np.load(path) as kept:
            return {head: kept[head] for head in HEADS}
