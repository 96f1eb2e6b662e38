#!/usr/bin/env bash
# Installs independent Python programs, against which the tests check the server, under .groundswell: a Standard
# Webhooks verifier and a mail server in verifiers, schemathesis, which tests the HTTP API, in schemathesis, and a
# reader of PDFs in pdf. scripts/requirements/README.md says how to upgrade them.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=scripts/lib/python-packages.sh
source "$root/scripts/lib/python-packages.sh"

for folder in verifiers schemathesis pdf; do
  lock="$root/scripts/requirements/$folder.txt"
  target="$root/.groundswell/$folder"
  if ! cmp -s "$lock" "$target/installed.txt"; then
    install_python_packages "$lock" "$target"
    # Copied last, so an interrupted installation does not look complete.
    cp "$lock" "$target/installed.txt"
  fi
done
