#!/usr/bin/env bash
# Measures the committed weights on the public benchmarks, and prints the
# figures that the model card states. Changes no file of the repository.
#
# Usage: scripts/evaluate.sh <folder with the data sets>
set -euo pipefail

if [[ $# -ne 1 || ! -d "$1" ]]; then
  echo "usage: make eval DATA=<folder with the data sets>" >&2
  exit 2
fi
data="$(cd "$1" && pwd)"
cd "$(dirname "${BASH_SOURCE[0]}")/../training"

if ! command -v python3 >/dev/null || ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
  echo "make eval: python3 with venv is missing. On Debian: apt-get install python3 python3-venv" >&2
  exit 1
fi
if [[ ! -x .venv/bin/python ]]; then
  python3 -m venv .venv
fi
.venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
exec .venv/bin/python evaluate.py --data "$data"
