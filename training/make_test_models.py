"""Creates the classifiers that the Rust tests load instead of published ones, which tests may not download.

They resemble Optimum's exports but are small and have random weights: real RoBERTa, DistilBERT and BERT graphs, with byte-level
BPE and WordPiece tokenizers. `golden.json` contains the outputs of PyTorch, so that the tests compare two implementations
rather than a file with itself. Requires torch, transformers, onnx, onnxscript and tokenizers.
"""

import argparse
import hashlib
import json
import random
import warnings
from pathlib import Path

import onnx
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
)

SEED = 20
MAX_TOKENS = 48
EMOTIONS = ["anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise"]

TEXTS = [
    "I absolutely love this, best day ever!",
    "Worst service ever. Never again.",
    "The train leaves at ten.",
    "I loooooove this soooo much!!!!!!",
    "@bob have you seen https://t.co/AbC123?x=1 yet?",
    "#BestDayEver 😂😂 not sorry",
    "Это просто ужасно",
    "naïve café, ½ price",
    "ok",
    "",
    "my flight got cancelled, stuck at the airport",
    "never again " * 60,
]


def byte_level_bpe() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=340,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return tokenizer


def word_piece() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=200,
        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
        show_progress=False,
    )
    # Excludes the Cyrillic text, so that the tokenizer meets unknown characters.
    tokenizer.train_from_iterator([text for text in TEXTS if text.isascii()], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return tokenizer


def shape(n_ids: int, n_labels: int) -> dict:
    # Weights with enough variance to make outputs differ by far more than rounding errors.
    return {"vocab_size": n_ids, "num_labels": n_labels, "initializer_range": 0.3}


def roberta() -> dict:
    tokenizer = byte_level_bpe()
    config = RobertaConfig(
        **shape(tokenizer.get_vocab_size(), 3), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64, max_position_embeddings=MAX_TOKENS + 2, type_vocab_size=1, pad_token_id=1,
        bos_token_id=0, eos_token_id=2,
    )
    return {
        "name": "tiny-roberta-sentiment",
        "tokenizer": tokenizer,
        "network": RobertaForSequenceClassification(config),
        "inputs": ["input_ids", "attention_mask"],
        "pad_id": 1,
        # As in the `id2label` of cardiffnlp's older exports.
        "outputs": {
            "sentiment": {
                "name": "logits", "activation": "softmax", "temperature": 1.5,
                "labels": ["LABEL_0", "LABEL_1", "LABEL_2"],
                "map": {"LABEL_0": "negative", "LABEL_1": "neutral", "LABEL_2": "positive"},
            }
        },
    }


def distilbert() -> dict:
    tokenizer = word_piece()
    config = DistilBertConfig(
        **shape(tokenizer.get_vocab_size(), 7), dim=32, n_layers=2, n_heads=4, hidden_dim=64,
        max_position_embeddings=MAX_TOKENS, pad_token_id=0,
    )
    return {
        "name": "tiny-distilbert-emotion",
        "tokenizer": tokenizer,
        "network": DistilBertForSequenceClassification(config),
        "inputs": ["input_ids", "attention_mask"],
        "pad_id": 0,
        "outputs": {"emotion": {"name": "logits", "activation": "softmax", "labels": EMOTIONS}},
    }


def bert() -> dict:
    tokenizer = word_piece()
    config = BertConfig(
        **shape(tokenizer.get_vocab_size(), 2), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64, max_position_embeddings=MAX_TOKENS, pad_token_id=0,
    )
    return {
        "name": "tiny-bert-toxicity",
        "tokenizer": tokenizer,
        "network": BertForSequenceClassification(config),
        "inputs": ["input_ids", "attention_mask", "token_type_ids"],
        "pad_id": 0,
        "outputs": {
            "toxicity": {
                "name": "logits", "activation": "sigmoid", "labels": ["neutral", "toxic"],
                "map": {"neutral": None, "toxic": "toxicity"},
            }
        },
    }


class Logits(torch.nn.Module):
    """The network in the form that Optimum exports: tensors in, logits out."""

    def __init__(self, network: torch.nn.Module, names: list[str]) -> None:
        super().__init__()
        self.network, self.names = network, names

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        return self.network(**dict(zip(self.names, tensors, strict=True))).logits


def tensors_of(model: dict) -> tuple[list[list[int]], tuple[torch.Tensor, ...]]:
    """Returns the token ids of each text, and all texts as one batch that is padded to the longest text."""
    tokenizer = model["tokenizer"]
    tokenizer.enable_truncation(MAX_TOKENS)
    ids = [tokenizer.encode(text).ids for text in TEXTS]
    tokenizer.no_truncation()
    width = max(map(len, ids))
    by_name = {
        "input_ids": torch.tensor([row + [model["pad_id"]] * (width - len(row)) for row in ids]),
        "attention_mask": torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in ids]),
        "token_type_ids": torch.zeros(len(ids), width, dtype=torch.int64),
    }
    return ids, tuple(by_name[name] for name in model["inputs"])


def export(network: torch.nn.Module, model: dict, tensors: tuple[torch.Tensor, ...], path: Path) -> None:
    axes = {name: {0: "batch", 1: "sequence"} for name in model["inputs"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, tensors, str(path), input_names=model["inputs"], output_names=["logits"],
            dynamic_axes=axes | {"logits": {0: "batch"}}, opset_version=17, dynamo=False,
        )
    graph = onnx.load(path)
    for node in graph.graph.node:
        node.doc_string = ""
    path.write_bytes(graph.SerializeToString())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(model: dict, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    network = Logits(model["network"].eval(), model["inputs"])
    ids, tensors = tensors_of(model)
    with torch.no_grad():
        logits = network(*tensors)
    export(network, model, tensors, folder / "model.onnx")
    model["tokenizer"].save(str(folder / "tokenizer.json"), pretty=False)
    manifest = {
        "name": model["name"],
        "version": "1",
        "model": {"file": "model.onnx", "sha256": sha256(folder / "model.onnx")},
        "tokenizer": {"file": "tokenizer.json", "sha256": sha256(folder / "tokenizer.json")},
        "inputs": model["inputs"],
        "special_tokens": True,
        "pad_id": model["pad_id"],
        "max_tokens": MAX_TOKENS,
        "n_ids": model["tokenizer"].get_vocab_size(),
        "languages": ["en"],
        "outputs": model["outputs"],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    rows = [
        {"text": text, "ids": row, "logits": [round(number, 6) for number in answer]}
        for text, row, answer in zip(TEXTS, ids, logits.tolist(), strict=True)
    ]
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (folder / "golden.json").write_text(f"[\n{lines}\n]\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(__file__).parent.parent / "tests" / "fixtures" / "models"
    parser.add_argument("--out", type=Path, default=default)
    arguments = parser.parse_args()
    for make in (roberta, distilbert, bert):
        torch.manual_seed(SEED)
        random.seed(SEED)
        model = make()
        write(model, arguments.out / model["name"])


if __name__ == "__main__":
    main()
