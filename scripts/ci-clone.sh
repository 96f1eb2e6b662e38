#!/usr/bin/env bash
# Runs CI (`.ci/run`) on a commit, HEAD by default, in a clean clone, as it is run on what is submitted. Uncommitted
# changes are not part of it. The clone, under .groundswell/ci, is removed if CI passes.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
commit="$(git -C "$root" rev-parse --verify "${1:-HEAD}^{commit}")"
clone="$root/.groundswell/ci/clone"

rm -rf "$clone"
mkdir -p "$(dirname "$clone")"
git clone --quiet --no-checkout "$root" "$clone"
git -C "$clone" checkout --quiet --detach "$commit"
echo "ci: ${commit:0:9} in .groundswell/ci/clone"
(cd "$clone" && bash .ci/run)
rm -rf "$clone"
