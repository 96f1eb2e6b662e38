#!/usr/bin/env bash
# Rebuilds (`training.sh train FOLDER`) or measures (`training.sh eval FOLDER`)
# the swift model. FOLDER holds the sets that training/README.md names and says
# where to obtain. The Python packages go into a virtual environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

task="$1"
data="${2:-}"
if [[ -z "$data" || ! -d "$data" ]]; then
  echo "make $task: say where the sets are: make $task DATA=folder (training/README.md says which, and where to get them)" >&2
  exit 1
fi

venv=training/.venv
if [[ ! "$venv/.installed" -nt training/requirements.txt ]]; then
  if ! python3 -m venv "$venv"; then
    echo "make $task: python3 cannot make a virtual environment. On Debian: apt-get install python3-venv" >&2
    exit 1
  fi
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r training/requirements.txt
  touch "$venv/.installed"
fi

case "$task" in
  train)
    "$venv/bin/python" training/train.py --data "$data"
    "$venv/bin/python" training/export.py
    ;;
  eval)
    "$venv/bin/python" training/evaluate.py --data "$data"
    ;;
  *)
    echo "training.sh: \`$task\` is neither train nor eval" >&2
    exit 1
    ;;
esac
