#!/usr/bin/env bash
# Regenerates and formats everything that a command can: migrations' numbers, example settings, the OpenAPI document,
# the dashboard's types, formatting, and the last landed commit. Review the changes and commit them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib/last-landed.sh
source scripts/lib/last-landed.sh

scripts/number-migrations.sh
cargo fmt --all
UPDATE_EXPECT=1 cargo test --locked --lib config::setting_tests
cargo build --locked
scripts/generate-types.sh
npm --prefix frontend run format -- --log-level warn
# CI compares with this commit to tell new tests from known ones (scripts/ci/landed.py).
if landed="$(last_landed)"; then
  echo "$landed" >.ci/landed
fi
git status --short
