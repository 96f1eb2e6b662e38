"""The deep network: MiniLM's six BERT layers, with four heads on the mean of the tokens and the first token.

Implements only this one architecture, which keeps the exported graph simple. The
attention mask is derived from the ids: id 0 is padding. The network, not the
tokenizer, prepends `[CLS]`, so even a row that consists only of padding has a
token to attend to.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

N_OUTPUTS = 12  # sentiment 3, emotion 7, toxicity, churn
PAD, CLASSIFY = 0, 101


@dataclass(frozen=True)
class Shape:
    n_ids: int = 30_522
    n_positions: int = 512
    width: int = 384
    n_layers: int = 6
    n_heads: int = 12
    n_inner: int = 1536
    epsilon: float = 1e-12


class Layer(nn.Module):
    """Attention over the text, then two dense layers per token, each followed by normalisation as in BERT."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.n_heads = shape.n_heads
        self.query_key_value = nn.Linear(shape.width, 3 * shape.width)
        self.attended = nn.Linear(shape.width, shape.width)
        self.attended_norm = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.inner = nn.Linear(shape.width, shape.n_inner)
        self.outer = nn.Linear(shape.n_inner, shape.width)
        self.outer_norm = nn.LayerNorm(shape.width, eps=shape.epsilon)

    def forward(self, hidden: Tensor, bias: Tensor, drop: float) -> Tensor:
        n_texts, n_tokens, width = hidden.shape
        split = self.query_key_value(hidden).view(n_texts, n_tokens, 3, self.n_heads, width // self.n_heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        # Not fused: for texts this short, the backward pass of the fused kernel takes half of the total time.
        scores = query @ key.transpose(2, 3) * (width // self.n_heads) ** -0.5 + bias
        mixed = torch.softmax(scores, 3).to(value.dtype) @ value
        mixed = self.attended(mixed.transpose(1, 2).reshape(n_texts, n_tokens, width))
        hidden = self.attended_norm(hidden + self.dropped(mixed, drop))
        mixed = self.outer(functional.gelu(self.inner(hidden)))
        return self.outer_norm(hidden + self.dropped(mixed, drop))

    def dropped(self, values: Tensor, drop: float) -> Tensor:
        """Drops each feature from all tokens of a text or from none, which needs fewer random numbers."""
        if not self.training or drop == 0:
            return values
        kept = torch.rand(values.shape[0], 1, values.shape[2], device=values.device) >= drop
        return values * (kept / (1 - drop)).to(values.dtype)


class Deep(nn.Module):
    """Network from token ids to twelve logits."""

    def __init__(self, shape: Shape = Shape(), drop: float = 0.1) -> None:
        super().__init__()
        self.shape, self.drop = shape, drop
        self.words = nn.Embedding(shape.n_ids, shape.width)
        self.positions = nn.Embedding(shape.n_positions, shape.width)
        self.norm = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.n_layers))
        self.hidden = nn.Linear(2 * shape.width, shape.width)
        self.heads = nn.Linear(shape.width, N_OUTPUTS)

    def encode(self, ids: Tensor, present: Tensor) -> Tensor:
        places = torch.arange(ids.shape[1], device=ids.device)
        hidden = self.norm(self.words(ids) + self.positions(places))
        if self.training:
            hidden = functional.dropout(hidden, self.drop)
        # Finite, because with minus infinity a row of only padding would become NaN.
        bias = (1.0 - present[:, None, None, :].to(hidden.dtype)) * -1e4
        if torch.is_autocast_enabled(ids.device.type):
            hidden, bias = hidden.to(torch.bfloat16), bias.to(torch.bfloat16)
        for layer in self.layers:
            hidden = layer(hidden, bias, self.drop)
        return hidden

    def features(self, ids: Tensor) -> Tensor:
        """Concatenates the mean over the tokens with the first token, which attends to all others."""
        ids = torch.cat([torch.full_like(ids[:, :1], CLASSIFY), ids], 1)
        present = ids != PAD
        hidden = self.encode(ids, present)
        counted = present.to(hidden.dtype).unsqueeze(2)
        return torch.cat([(hidden * counted).sum(1) / counted.sum(1), hidden[:, 0]], 1)

    def forward(self, ids: Tensor) -> Tensor:
        features = self.features(ids).float()
        if self.training:
            features = functional.dropout(features, self.drop)
        hidden = torch.tanh(self.hidden(features))
        if self.training:
            hidden = functional.dropout(hidden, self.drop)
        return self.heads(hidden)


def load_minilm(network: Deep, file: Path) -> None:
    """Copies the weights of the published encoder. Adds the vector of its first token type to the positions; the second type is never used."""
    found = load_file(file)
    found = {name.removeprefix("bert."): value for name, value in found.items()}
    n_known = found["embeddings.word_embeddings.weight"].shape[0]
    with torch.no_grad():
        network.words.weight[:n_known] = found["embeddings.word_embeddings.weight"]
        types = found["embeddings.token_type_embeddings.weight"]
        network.positions.weight.copy_(found["embeddings.position_embeddings.weight"] + types[0])
        _copy(network.norm, found, "embeddings.LayerNorm")
        for i, layer in enumerate(network.layers):
            name = f"encoder.layer.{i}"
            for part in ("weight", "bias"):
                three = [found[f"{name}.attention.self.{which}.{part}"] for which in ("query", "key", "value")]
                getattr(layer.query_key_value, part).copy_(torch.cat(three))
            _copy(layer.attended, found, f"{name}.attention.output.dense")
            _copy(layer.attended_norm, found, f"{name}.attention.output.LayerNorm")
            _copy(layer.inner, found, f"{name}.intermediate.dense")
            _copy(layer.outer, found, f"{name}.output.dense")
            _copy(layer.outer_norm, found, f"{name}.output.LayerNorm")


def _copy(module: nn.Module, found: dict[str, Tensor], name: str) -> None:
    module.weight.copy_(found[f"{name}.weight"])
    module.bias.copy_(found[f"{name}.bias"])
