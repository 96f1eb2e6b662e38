#!/usr/bin/env bash
# Runs CI (`.ci/run`) on a commit, HEAD by default, in a clean clone, as it is run on what is submitted. Uncommitted
# changes are not part of it. The clone, under .groundswell/ci, is removed if CI passes; one of a run that failed stays
# until the next run. Several commits can be tested at once, each in a clone of its own.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
commit="$(git -C "$root" rev-parse --verify "${1:-HEAD}^{commit}")"
clones="$root/.groundswell/ci"
clone="$clones/${commit:0:12}"

mkdir -p "$clones"
# Locks stay, because removing one would let two runs lock different files of the same name.
exec 9>"$clone.lock"
# With patience, because a run that clears old clones holds each of their locks for a moment.
if ! flock --timeout 120 9; then
  echo "ci: ${commit:0:12} is being tested already" >&2
  exit 1
fi
for other in "$clones"/*; do
  if [[ -d "$other" && "$other" != "$clone" ]]; then
    (flock --nonblock 8 && rm -rf "$other") 8>"$other.lock" || true
  fi
done

rm -rf "$clone"
git clone --quiet --no-checkout "$root" "$clone"
# `make fix` measures from origin/main if there is one (scripts/lib/last-landed.sh). In the clone, that would be the main of
# this repository, which may be older.
if git -C "$root" rev-parse --verify --quiet refs/remotes/origin/main >/dev/null; then
  git -C "$clone" fetch --quiet origin +refs/remotes/origin/main:refs/remotes/origin/main
fi
git -C "$clone" checkout --quiet --detach "$commit"
echo "ci: ${commit:0:12} in .groundswell/ci/${clone##*/}"
# In the background, because Bash handles a signal only between commands. Without the lock, because servers that a test
# leaves behind would hold it.
(cd "$clone" && exec bash .ci/run) 9>&- &
run=$!
trap 'kill -TERM "$run" 2>/dev/null || true' INT TERM HUP
status=0
wait "$run" || status=$?
# Each signal ends one wait; the run then still ends its tests and prints its summary.
while kill -0 "$run" 2>/dev/null; do
  status=0
  wait "$run" || status=$?
done
((status == 0)) || exit "$status"
rm -rf "$clone" || echo "ci: $clone could not be removed" >&2
