#!/usr/bin/env bash
# Generates frontend/openapi.json from the server, and the dashboard's TypeScript
# types from that document.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

part="$(mktemp)"
trap 'rm -f "$part"' EXIT
"${GROUNDSWELL_BIN:-target/debug/groundswell}" openapi >"$part"
# Replaced only if it differs, to avoid rebuilding everything that depends on it.
if ! cmp -s "$part" frontend/openapi.json; then
  cp "$part" frontend/openapi.json
fi
npm --prefix frontend run --silent types
