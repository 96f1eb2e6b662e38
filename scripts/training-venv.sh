#!/usr/bin/env bash
# Creates training/.venv with the packages from a requirements file, and prints the path of its Python.
#
# Usage: scripts/training-venv.sh <requirements file under training/>
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../training"
if ! command -v python3 >/dev/null || ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
  echo "python3 with venv is missing. On Debian: apt-get install python3 python3-venv" >&2
  exit 1
fi
if [[ ! -x .venv/bin/python ]]; then
  python3 -m venv .venv
fi
.venv/bin/pip install --quiet --disable-pip-version-check -r "$1"
echo "$PWD/.venv/bin/python"
