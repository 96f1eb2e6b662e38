#!/usr/bin/env bash
# Puts Python programs that judge this one in the tests, all written by others, into .groundswell: a verifier of Standard
# Webhooks and a mail server into verifiers, and schemathesis, which tries the HTTP API, into schemathesis.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# Installs packages into a folder of their own, unless they are there. Its stamp sees to a changed version.
fetch() {
  local target="$root/.groundswell/$1" packages="$2"
  local stamp="$target/packages"
  if [[ "$(cat "$stamp" 2>/dev/null || true)" == "$packages" ]]; then
    return
  fi
  if ! python3 -m pip --version >/dev/null 2>&1; then
    echo "fetch-verifiers: Python's pip is missing. On Debian: apt-get install python3 python3-pip" >&2
    exit 1
  fi
  rm -rf "$target"
  mkdir -p "$target"
  # Word by word: they are the arguments.
  # shellcheck disable=SC2086
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$target" $packages
  # Written last, so a stopped download is not taken for a whole one.
  echo "$packages" >"$stamp"
}

# Raise the versions here. What schemathesis draws its examples with is pinned beside it: another version draws others.
fetch verifiers "standardwebhooks==1.1.0 aiosmtpd==1.4.6"
fetch schemathesis "schemathesis==4.32.5 hypothesis==6.170.15 jsonschema-rs==0.60.3"
