#!/usr/bin/env bash
# Writes what the dashboard knows of the server: frontend/openapi.json, from
# the server itself, and the TypeScript types made from it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

part="$(mktemp)"
trap 'rm -f "$part"' EXIT
target/debug/groundswell openapi >"$part"
# Only when it differs, or everything built from it would be built again.
if ! cmp -s "$part" frontend/openapi.json; then
  cp "$part" frontend/openapi.json
fi
npm --prefix frontend run --silent types
