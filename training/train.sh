#!/usr/bin/env bash
# Makes weights/swift from the public data sets: environment, training, export, evaluation.
#
# Usage: training/train.sh <folder with the data sets>
# A set that is missing is named with the place it is published at.
set -euo pipefail

if [[ $# -ne 1 || ! -d "$1" ]]; then
  echo "usage: training/train.sh <folder with the data sets>  (make train DATA=<folder>)" >&2
  exit 2
fi
data="$(cd "$1" && pwd)"
cd "$(dirname "${BASH_SOURCE[0]}")"

if ! command -v python3 >/dev/null || ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
  echo "train: python3 with venv is missing. On Debian: apt-get install python3 python3-venv" >&2
  exit 1
fi
if [[ ! -x .venv/bin/python ]]; then
  python3 -m venv .venv
fi
.venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt

.venv/bin/python train.py --data "$data"
.venv/bin/python export.py --version "${VERSION:-$(date -u +%Y.%-m.%-d)}"
.venv/bin/python evaluate.py --data "$data"
echo "Compare with weights/swift/MODEL_CARD.md and write the new figures there before committing."
