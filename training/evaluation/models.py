"""Everything that answers: the exported networks as the server runs them, and the server itself.

Answers are kept by the hash of the weights, because the large sets take minutes.
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
    """A folder under `weights/`, read by ONNX Runtime with one thread, in batches of like length as in the server."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        network = folder / self.manifest["model"]["file"]
        self.megabytes = network.stat().st_size / 1e6
        # Files are written anew by every export, so their content names the answers.
        self.key = hashlib.sha256(network.read_bytes() + self.tokenizer.to_str().encode()).hexdigest()[:16]

    def answer(self, texts: list[str]) -> Answers:
        """One row a text, in their order."""
        found = self.run(texts)
        return {head: found[head] for head in HEADS}


class Server:
    """The `groundswell` binary; its `score` command answers with one tier."""

    def __init__(self, binary: Path, model: str) -> None:
        self.binary, self.model = binary, model
        self.key = f"{model}-{hashlib.sha256(binary.read_bytes()).hexdigest()[:16]}"

    def answer(self, texts: list[str]) -> Answers:
        """One row a text, in their order. A line is a JSON string, so that a text may have several lines."""
        lines = "".join(json.dumps(text) + "\n" for text in texts)
        command = [str(self.binary), "score", "-", "--model", self.model, "--raw"]
        done = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, check=True)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(rows) == len(texts), f"{len(texts)} texts but {len(rows)} answers"
        return {head: np.array([row[head] for row in rows], np.float32) for head in HEADS}


class Remembered:
    """A model whose answers on a named set of texts are computed once and kept in a folder."""

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
