#!/usr/bin/env bash
# Trains both models on the public data sets and writes them to weights/. The first
# of three deep networks is the teacher of swift and of the other two, whose mean is
# the deep model. Files that are not committed (checkpoints, teacher outputs, deep in
# float32) stay in training/.cache. Each deep network takes about 45 minutes on two
# cores with AMX; an interrupted run resumes where it stopped.
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

if [[ ! -f "$cache/first/teacher.npz" ]]; then
  "$python" deep_train.py --data "$data" --out "$cache/first" --epochs 3 --seed 1 --resume
fi
teacher="$cache/first/teacher.npz"
second="$cache/second/teacher.npz"
if [[ ! -f "$second" ]]; then
  "$python" deep_train.py --data "$data" --out "$cache/second" --epochs 2 --seed 2 --teacher "$teacher" --resume
fi
if [[ ! -f "$cache/third/network.pt" ]]; then
  "$python" deep_train.py --data "$data" --out "$cache/third" --epochs 3 --seed 3 --teacher "$teacher" --teacher "$second" --resume
fi
"$python" deep_export.py --data "$data" --checkpoint "$cache/second" --checkpoint "$cache/third" --fp32 "$cache/deep/fp32"
"$python" train.py --data "$data" --out "$cache/swift" --teacher "$teacher"
"$python" export.py --data "$data" --checkpoint "$cache/swift"
