#!/usr/bin/env bash
# Evaluates the committed weights on the public benchmarks, prints the figures
# and writes docs/EVALUATION.md.
#
# Usage: scripts/evaluate.sh <folder with the data sets>
set -euo pipefail

if [[ $# -ne 1 || ! -d "$1" ]]; then
  echo "usage: make eval DATA=<folder with the data sets>" >&2
  exit 2
fi
data="$(cd "$1" && pwd)"
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python="$(scripts/training-venv.sh requirements-evaluate.txt)"
cd training
exec "$python" evaluate.py --data "$data"
