#!/usr/bin/env bash
# Regenerates the OpenAPI document and the dashboard's types, and fails if they did
# not match the server. The regenerated files can be committed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

snapshot() { find frontend/openapi.json frontend/src -name '*.json' -o -name '*generated*' | sort | xargs -r sha256sum; }

cargo build --locked --quiet
before="$(snapshot)"
scripts/generate-types.sh
after="$(snapshot)"
if [[ "$before" != "$after" ]]; then
  {
    echo "generated files were out of date; they have been regenerated and can be committed:"
    diff <(echo "$before") <(echo "$after") | awk '/^[<>]/ { print "  " $3 }' | sort -u
  } >&2
  exit 1
fi
echo "generated files: up to date"
