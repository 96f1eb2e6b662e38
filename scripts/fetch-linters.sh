#!/usr/bin/env bash
# Installs the additional linters for `make check`: typos from PyPI and, built from crates.io, cargo-machete, which
# finds unused dependencies, and cargo-deny, which checks the licences and sources of dependencies.
set -euo pipefail

# Upgrade versions here.
typos=1.52.0
machete=0.9.2
deny=0.20.2

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
target="$root/.groundswell/linters"

is_current() { [[ "$("$@" 2>/dev/null)" == *"$version" ]]; }

version="$typos"
if ! is_current "$target/bin/typos" --version; then
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --upgrade \
    --target "$target" "typos==$typos"
fi

# Installed in Cargo's own folder, so that all checkouts on this machine share it.
version="$machete"
if ! is_current cargo machete --version; then
  cargo install --quiet --locked "cargo-machete@$machete"
fi
version="$deny"
if ! is_current cargo deny --version; then
  cargo install --quiet --locked --no-default-features "cargo-deny@$deny"
fi
