# Defines `install_python_packages`. Scripts source this file.
# shellcheck shell=bash

# shellcheck source=scripts/lib/retry.sh
source "$(dirname "${BASH_SOURCE[0]}")/retry.sh"

# Installs exactly the packages that a lock file lists into a new folder. Their hashes must match. Nothing is built from
# source, because the tools for building are not pinned.
install_python_packages() {
  local lock="$1" target="$2"
  if ! python3 -m pip --version >/dev/null 2>&1; then
    echo "Python's pip is missing. On Debian: apt-get install python3 python3-pip" >&2
    return 1
  fi
  rm -rf "$target"
  if ! retry python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
    --require-hashes --only-binary :all: --no-deps --target "$target" -r "$lock"; then
    echo "The packages in $lock could not be installed, because the package index that pip uses cannot be reached" >&2
    echo "  (pip config list), has no package for this system and $(python3 --version), or sent one with another hash." >&2
    return 1
  fi
}
