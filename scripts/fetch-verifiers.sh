#!/usr/bin/env bash
# Installs independent Python programs, against which the tests check the server, under .groundswell: a Standard
# Webhooks verifier and a mail server in verifiers, schemathesis, which tests the HTTP API, in schemathesis, and a
# reader of PDFs in pdf.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# Installs packages into a separate folder unless it is up to date. A stamp file detects changed versions.
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
  # Unquoted on purpose, so that each word becomes an argument.
  # shellcheck disable=SC2086
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$target" $packages
  # Written last, so an interrupted download does not look complete.
  echo "$packages" >"$stamp"
}

# Upgrade versions here. The libraries that generate schemathesis's examples are pinned too, because different
# versions generate different examples.
fetch verifiers "standardwebhooks==1.1.0 aiosmtpd==1.4.6"
fetch schemathesis "schemathesis==4.32.5 hypothesis==6.170.15 jsonschema-rs==0.60.3"
fetch pdf "pypdf==7.1.0"
