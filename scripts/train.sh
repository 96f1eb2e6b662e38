#!/usr/bin/env bash
# Trains both models from the public data sets and writes them to weights/:
# deep first, then swift with deep for a teacher. What is not committed (the
# checkpoints, the teacher's answers, deep in float32) stays in training/.cache.
# Takes about two hours on two cores; a run that was stopped goes on where it was.
#
# Usage: scripts/train.sh <folder with the data sets>
set -euo pipefail

if [[ $# -ne 1 || ! -d "$1" ]]; then
  echo "usage: make train DATA=<folder with the data sets>" >&2
  exit 2
fi
data="$(cd "$1" && pwd)"
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python="$(scripts/training-venv.sh requirements.txt)"
cd training
cache="$PWD/.cache"

if [[ ! -f "$cache/deep/teacher.npz" ]]; then
  "$python" deep_train.py --data "$data" --out "$cache/deep" --resume
fi
"$python" deep_export.py --data "$data" --checkpoint "$cache/deep" --fp32 "$cache/deep/fp32"
"$python" train.py --data "$data" --out "$cache/swift" --teacher "$cache/deep/teacher.npz"
"$python" export.py --data "$data" --checkpoint "$cache/swift"
