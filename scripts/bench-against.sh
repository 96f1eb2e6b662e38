#!/usr/bin/env bash
# Runs a bench beside an older commit's executable, which gets the same load by turns:
#
#   scripts/bench-against.sh REV [NAME] [OPTIONS OF `groundswell bench NAME`]
#
# NAME is `pipeline` unless given. The commit is built once, in a worktree of its
# own under target/baseline/, with its own weights, and kept there for the next run.
set -euo pipefail

if (($# < 1)); then
  echo "usage: scripts/bench-against.sh REV [NAME] [OPTIONS]" >&2
  exit 2
fi

cd "$(dirname "${BASH_SOURCE[0]}")/.."
commit="$(git rev-parse --verify --quiet "$1^{commit}")" || {
  echo "bench-against: \`$1\` is no commit of this repository" >&2
  exit 2
}
shift
bench=pipeline
if (($#)) && [[ "$1" != -* ]]; then
  bench="$1"
  shift
fi

tree="$PWD/target/baseline/${commit:0:12}"
baseline="$tree/target/release/groundswell"
if [[ ! -x "$baseline" ]]; then
  git worktree prune
  [[ -d "$tree" ]] || git worktree add --force --detach "$tree" "$commit"
  # The runtime library is the machine's, not the commit's. The dashboard is not measured, but must be there to be embedded.
  if [[ ! -e "$tree/.groundswell/lib" && -d .groundswell/lib ]]; then
    mkdir -p "$tree/.groundswell"
    ln -s "$PWD/.groundswell/lib" "$tree/.groundswell/lib"
  fi
  mkdir -p "$tree/frontend/dist"
  cp -R frontend/dist/. "$tree/frontend/dist/" 2>/dev/null || true
  (cd "$tree" && CARGO_TARGET_DIR=target cargo build --release)
fi
cargo build --release
exec target/release/groundswell bench "$bench" --baseline "$baseline" "$@"
