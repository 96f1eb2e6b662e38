"""Measures the exported models on held-out data, prints the figures and writes `docs/EVALUATION.md`.

Reads the exported files rather than the checkpoints, so that the figures include the effects of quantisation and export.
"""

import argparse
import json
import subprocess
from pathlib import Path

import numpy as np

import corpora
from evaluation import metrics
from evaluation.benchmarks import EVEN, Benchmarks, Thresholds
from evaluation.figure import reliability_diagram
from evaluation.models import OnnxModel, Remembered, Server
from evaluation.report import ROWS, Report, Speed, markdown, percent

ROOT = Path(__file__).parent.parent
SHARES = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
# Share of posts that two cores can rescore in addition to running a pipeline of 1,000 posts per second.
CASCADE_SHARE = 0.3
N_AGREEMENT = 400
SEED = 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=ROOT / "weights")
    parser.add_argument("--fp32", type=Path, default=Path(__file__).parent / ".cache" / "deep" / "fp32", help="folder with the deep model before quantisation")
    parser.add_argument("--binary", type=Path, default=ROOT / "target" / "release" / "groundswell")
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    args = parser.parse_args()
    corpora.require(args.data)
    if not args.binary.exists():
        parser.error(f"{args.binary} does not exist; run `make release` to build it")

    sets = Benchmarks(args.data)
    remembered = Path(__file__).parent / ".cache" / "answers"
    swift, deep = OnnxModel(args.weights / "swift"), OnnxModel(args.weights / "deep")
    models: dict[str, tuple[OnnxModel | Server, Thresholds]] = {
        "lexicon": (Server(args.binary, "lexicon"), EVEN),
        "swift": (swift, Thresholds.of(swift.manifest)),
        "deep int8": (deep, Thresholds.of(deep.manifest)),
    }
    if has_model(args.fp32):
        models["deep fp32"] = OnnxModel(args.fp32), Thresholds.of(deep.manifest)

    answers = {name: sets.answers(Remembered(model, remembered)) for name, (model, _) in models.items()}
    figures = {name: sets.figures(answers[name], models[name][1]) for name in models}
    labels = sets.sets["sentiment"][1]
    fast, slow = answers["swift"]["sentiment"]["sentiment"], answers["deep int8"]["sentiment"]["sentiment"]
    cascade = metrics.deferred(fast, slow, CASCADE_SHARE)
    figures["cascade"] = {
        "sentiment_macro_recall": metrics.macro_recall(labels, cascade),
        "sentiment_calibration_error": metrics.calibration_error(labels, cascade),
    }
    order = [name for name in ("lexicon", "swift", "cascade", "deep int8", "deep fp32") if name in figures]
    shown = ("swift", "deep int8")
    report = Report(
        models={name: figures[name] for name in order},
        perspective={name: metrics.auc(sets.sets[f"talk_{name}"][1], scores) for name, scores in sets.perspective.items()},
        confusions={name: metrics.confusion(labels, answers[name]["sentiment"]["sentiment"]) for name in shown},
        slices={name: sets.slices(answers[name]) for name in shown},
        deferral=[deferral(labels, fast, slow, share) for share in SHARES],
        cascade_share=CASCADE_SHARE,
        agreement={name: agreement(models[name][0], args.binary, name.split()[0], sets) for name in shown},
        speeds=speeds(args.binary, args.fp32),
        sets=[(name, len(texts), sets.n_known[name]) for name, (texts, _) in sets.sets.items()],
    )
    curves = {name: metrics.reliability(labels, answers[name]["sentiment"]["sentiment"]) for name in shown}
    (args.out / "EVALUATION.md").write_text(markdown(report))
    (args.out / "reliability.svg").write_text(reliability_diagram(curves))

    print(f"{'':<44}" + "".join(f"{name:>12}" for name in order))
    for title, key, _, _ in ROWS:
        print(f"{title:<44}" + "".join(f"{percent(figures[name].get(key)):>12}" for name in order))
    print(f"written: {args.out / 'EVALUATION.md'}")


def deferral(labels: np.ndarray, fast: np.ndarray, slow: np.ndarray, share: float) -> tuple[float, float, float]:
    """Returns the share, the macro-recall when deferring the most uncertain texts, and when deferring random ones (mean of 20 draws)."""
    rng, n = np.random.default_rng(SEED), round(share * len(fast))

    def by_chance() -> float:
        chosen = rng.permutation(len(fast))[:n]
        mixed = fast.copy()
        mixed[chosen] = slow[chosen]
        return metrics.macro_recall(labels, mixed)

    chance = float(np.mean([by_chance() for _ in range(20)]))
    return share, metrics.macro_recall(labels, metrics.deferred(fast, slow, share)), chance


def agreement(model: OnnxModel | Server, binary: Path, tier: str, sets: Benchmarks) -> float:
    """Returns the largest difference between the results of Python and Rust on real texts."""
    texts = sets.sets["sentiment"][0][:N_AGREEMENT]
    assert isinstance(model, OnnxModel)
    here, there = model.answer(texts), Server(binary, tier).answer(texts)
    return max(float(np.abs(here[head] - there[head]).max()) for head in here)


def speeds(binary: Path, fp32: Path) -> list[Speed]:
    """Measures texts per second, tokenization included, with the server's own benchmark."""
    found = []
    for model in ("lexicon", "swift", "deep"):
        command = [str(binary), "bench", "inference", "--model", model, "--json"]
        # Measured in the same run, so that both are subject to the same noise.
        command += ["--baseline", str(fp32)] if model == "deep" and has_model(fp32) else []
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=ROOT)
        report = json.loads(done.stdout)
        found.append(Speed.of(model, "one thread", report["one_thread"]))
        found.append(Speed.of(model, "two threads, one session each", report["two_threads"]))
        if report.get("baseline"):
            how = "one session with two threads, batches in order of arrival, padded to the longest text"
            found.append(Speed.of("deep fp32, for comparison", how, report["baseline"]))
    return found


def has_model(folder: Path) -> bool:
    return (folder / "manifest.json").exists()


if __name__ == "__main__":
    main()
