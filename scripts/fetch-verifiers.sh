#!/usr/bin/env bash
# Puts the Python packages that judge notifications in the tests into .groundswell/verifiers: a verifier of Standard
# Webhooks and a mail server, both written by others.
set -euo pipefail

# Raise the versions here; the stamp sees to the rest.
PACKAGES="standardwebhooks==1.1.0 aiosmtpd==1.4.6"

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
target="$root/.groundswell/verifiers"
stamp="$target/packages"
if [[ "$(cat "$stamp" 2>/dev/null || true)" == "$PACKAGES" ]]; then
  exit 0
fi
if ! python3 -m pip --version >/dev/null 2>&1; then
  echo "fetch-verifiers: Python's pip is missing. On Debian: apt-get install python3 python3-pip" >&2
  exit 1
fi
rm -rf "$target"
mkdir -p "$target"
# Word by word: they are the arguments.
# shellcheck disable=SC2086
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$target" $PACKAGES
# Written last, so a stopped download is not taken for a whole one.
echo "$PACKAGES" >"$stamp"
