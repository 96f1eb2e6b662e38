"""The FastAPI counterpart in `groundswell bench score`: the same ONNX files and tokenizers behind the same endpoint.

Runs two processes, one per core, and puts the texts of a request into one padded batch. `tuned` uses single-threaded
sessions, uvloop, httptools, and no thread per request. `defaults` uses the libraries' default settings.

Usage: fastapi_score.py WEIGHTS PORT tuned|defaults
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from tokenizers import Tokenizer

N_WORKERS = 2


def is_tuned() -> bool:
    """Reads the tuning from the environment, because each worker is a separate process."""
    return os.environ["SCORE_TUNING"] == "tuned"


class Model:
    """A model loaded according to its manifest."""

    def __init__(self, folder: Path):
        manifest = json.loads((folder / "manifest.json").read_text())
        options = onnxruntime.SessionOptions()
        if is_tuned():
            options.intra_op_num_threads = 1
            options.inter_op_num_threads = 1
        path = str(folder / manifest["model"]["file"])
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(str(folder / manifest["tokenizer"]["file"]))
        self.tokenizer.enable_padding(pad_id=manifest["pad_id"])
        self.tokenizer.enable_truncation(manifest["max_tokens"])
        self.special_tokens = manifest["special_tokens"]
        self.pad_id = manifest["pad_id"]
        self.inputs = {node.name: node.type for node in self.session.get_inputs()}
        self.outputs = [node.name for node in self.session.get_outputs()]
        self.sentiments = manifest["outputs"]["sentiment"]["labels"]
        self.emotions = manifest["outputs"]["emotion"]["labels"]
        self.name = f"{manifest['name']} {manifest['version']}"

    def score(self, texts: list[str]) -> list[dict]:
        """Returns the scores of each text."""
        encodings = self.tokenizer.encode_batch_fast(texts, add_special_tokens=self.special_tokens)
        # A text without any tokens becomes a single padding token.
        ids = np.array([encoding.ids or [self.pad_id] for encoding in encodings])
        dtype = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
        answers = self.session.run(
            None, {"input_ids": ids.astype(dtype[self.inputs["input_ids"]], copy=False)}
        )
        columns = dict(zip(self.outputs, answers))
        scores = []
        for i in range(len(texts)):
            sentiment, emotion = columns["sentiment"][i], columns["emotion"][i]
            best = int(sentiment.argmax())
            scores.append(
                {
                    "sentiment": {
                        "label": self.sentiments[best],
                        "score": float(sentiment[2] - sentiment[0]),
                        "confidence": float(sentiment[best]),
                    },
                    "emotion": {
                        "label": self.emotions[int(emotion.argmax())],
                        "scores": dict(zip(self.emotions, emotion.tolist())),
                    },
                    "toxicity": float(columns["toxicity"][i]),
                    "churn_risk": float(columns["churn_risk"][i]),
                    "model": self.name,
                }
            )
        return scores


class ScoreRequest(BaseModel):
    """Body of `POST /api/v1/score`."""

    text: str | None = None
    texts: list[str] | None = None
    budget_ms: int = 0


def make_app() -> FastAPI:
    """Creates the application of one worker."""
    weights = Path(os.environ["SCORE_WEIGHTS"])
    swift, deep = Model(weights / "swift"), Model(weights / "deep")
    app = FastAPI()

    def answer(request: ScoreRequest):
        model = deep if request.budget_ms > 0 else swift
        if request.text is not None:
            return model.score([request.text])[0]
        return {"scores": model.score(request.texts or [])}

    async def answer_on_event_loop(request: ScoreRequest):
        # Blocking the event loop is cheaper than a thread per request, because a session has only one thread anyway.
        return answer(request)

    app.post("/api/v1/score")(answer_on_event_loop if is_tuned() else answer)

    @app.get("/readyz")
    async def ready():
        return {}

    return app


if __name__ == "__main__":
    os.environ["SCORE_WEIGHTS"] = sys.argv[1]
    os.environ["SCORE_TUNING"] = sys.argv[3]
    uvicorn.run(
        "fastapi_score:make_app",
        factory=True,
        app_dir=str(Path(__file__).parent),
        host="127.0.0.1",
        port=int(sys.argv[2]),
        workers=N_WORKERS,
        loop="uvloop" if is_tuned() else "asyncio",
        http="httptools" if is_tuned() else "h11",
        log_level="warning",
        access_log=False,
    )
