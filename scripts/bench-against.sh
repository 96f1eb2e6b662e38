#!/usr/bin/env bash
# Compares a benchmark with an older commit by alternating the same load between the two executables:
#
#   scripts/bench-against.sh REV [NAME] [OPTIONS OF `groundswell bench NAME`]
#
# NAME defaults to `pipeline`. The older commit is built once, in a separate worktree
# under target/baseline/ with its own weights, and reused by later runs.
set -euo pipefail

if (($# < 1)); then
  echo "usage: scripts/bench-against.sh REV [NAME] [OPTIONS]" >&2
  exit 2
fi

cd "$(dirname "${BASH_SOURCE[0]}")/.."
commit="$(git rev-parse --verify --quiet "$1^{commit}")" || {
  echo "bench-against: \`$1\` is not a commit in this repository" >&2
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
  # The runtime library depends on the machine, not on the commit. The dashboard is not measured, but it must exist to be embedded.
  if [[ ! -e "$tree/.groundswell/lib" && -d .groundswell/lib ]]; then
    mkdir -p "$tree/.groundswell"
    ln -s "$PWD/.groundswell/lib" "$tree/.groundswell/lib"
  fi
  mkdir -p "$tree/frontend/dist"
  cp -R frontend/dist/. "$tree/frontend/dist/" 2>/dev/null || true
  (cd "$tree" && CARGO_TARGET_DIR=target cargo build --locked --release)
fi
cargo build --locked --release
exec target/release/groundswell bench "$bench" --baseline "$baseline" "$@"
