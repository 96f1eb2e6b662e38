#!/usr/bin/env bash
# Installs missing dependencies for running (`setup.sh run`), testing (`setup.sh test`),
# checking (`setup.sh check`) or benchmarking against other systems (`setup.sh bench`).
#
# On Debian and its derivatives, as root or with passwordless sudo, it installs
# packages. Elsewhere it fails after listing exactly what to install. If nothing is
# missing, it takes well under a second.
set -euo pipefail

purpose="${1:-run}"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"
# shellcheck source=scripts/lib/retry.sh
source scripts/lib/retry.sh

# Packages that apt-get can install, and problems that the user has to solve.
packages=()
problems=()

has() { command -v "$1" >/dev/null 2>&1; }

# Checks the output of --version, because another program may have the same name.
is_postgres() { [[ -x "$1" ]] && [[ "$("$1" --version 2>/dev/null </dev/null || true)" == "postgres (PostgreSQL) "* ]]; }

has_postgres() {
  local candidate bindir=""
  for candidate in /usr/lib/postgresql/*/bin/postgres; do
    is_postgres "$candidate" && return 0
  done
  has postgres && is_postgres "$(command -v postgres)" && return 0
  has pg_config && bindir="$(pg_config --bindir 2>/dev/null || true)"
  [[ -n "$bindir" ]] && is_postgres "$bindir/postgres"
}

has_node() {
  has node && has npm && node -e 'const [a, b] = process.versions.node.split(".").map(Number);
    process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
}

has_chromium() { has chromium || has chromium-browser || has google-chrome; }

has_nchan() {
  [[ -n "$(find /usr/lib/nginx/modules /usr/lib64/nginx/modules /usr/share/nginx/modules -name ngx_nchan_module.so -print -quit 2>/dev/null)" ]]
}

has_onnxruntime() { [[ -s .groundswell/lib/libonnxruntime.so && -s .groundswell/lib/libonnxruntime.version ]]; }

find_missing() {
  packages=()
  problems=()
  # Rust and Node must come from upstream, because Debian's versions are too old.
  has cargo || problems+=("Rust 1.95 or newer: https://rustup.rs")
  has_node || problems+=("Node.js 20.19 or newer with npm: https://nodejs.org/en/download")
  has cc || packages+=(build-essential)
  has pkg-config || packages+=(pkg-config)
  has_postgres || packages+=(postgresql)
  has redis-server || has valkey-server || packages+=(redis-server)
  if [[ -z "${ORT_DYLIB_PATH:-}" ]] && ! has_onnxruntime; then
    has python3 && python3 -m pip --version >/dev/null 2>&1 || packages+=(python3 python3-pip)
  fi
  if [[ "$purpose" == check ]]; then
    # For the spelling checker.
    has python3 && python3 -m pip --version >/dev/null 2>&1 || packages+=(python3 python3-pip)
  fi
  if [[ "$purpose" == bench ]]; then
    has_nchan || packages+=(nginx libnginx-mod-nchan)
    has python3 && python3 -c 'import venv, ensurepip' 2>/dev/null || packages+=(python3 python3-venv)
    has_chromium || packages+=(chromium)
  fi
  if [[ "$purpose" == test ]]; then
    # For the Python programs against which the tests check the server.
    has python3 && python3 -m pip --version >/dev/null 2>&1 || packages+=(python3 python3-pip)
    # For the dashboard's tests and for reports as PDF. Running the server does not require it.
    has_chromium || packages+=(chromium)
    # Validates the exported metrics.
    has promtool || packages+=(prometheus)
    # Without an emoji font, screenshots of the dashboard show boxes.
    [[ -n "$(find /usr/share/fonts ~/.local/share/fonts -iname '*emoji*' -print -quit 2>/dev/null)" ]] ||
      packages+=(fonts-noto-color-emoji)
  fi
}

as_root() {
  if [[ "$(id -u)" == 0 ]]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  else
    sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
  fi
}

may_install() { has apt-get && { [[ "$(id -u)" == 0 ]] || { has sudo && sudo -n true 2>/dev/null; }; }; }

# Prevents the packages from starting their own servers on ports that may be in
# use. Groundswell starts private servers instead. Servers that are already
# running are not affected.
install_packages() {
  echo "installing: $*"
  local guard=/usr/sbin/policy-rc.d
  if [[ ! -e "$guard" ]]; then
    trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$guard" >/dev/null
    as_root chmod 755 "$guard"
  fi
  # Error-Mode=any, because otherwise apt-get ignores that some of the lists could not be downloaded.
  retry as_root apt-get -qq -o APT::Update::Error-Mode=any update || echo "setup: the package lists could not be updated" >&2
  retry as_root apt-get -qq install -y --no-install-recommends "$@" >/dev/null || echo "setup: apt-get failed" >&2
  if [[ -n "$(trap -p EXIT)" ]]; then
    as_root rm -f "$guard"
    trap - EXIT
  fi
}

explain_and_fail() {
  {
    echo "setup: the following is missing and could not be installed automatically:"
    local problem
    for problem in "${problems[@]}"; do echo "  - $problem"; done
    if ((${#packages[@]})); then
      echo "  - these Debian packages (or their equivalents on other systems):"
      echo "      apt-get install ${packages[*]}"
    fi
    echo "Install it and run the command again."
  } >&2
  exit 1
}

find_missing
if ((${#packages[@]})) && may_install; then
  install_packages "${packages[@]}"
  find_missing
fi
if ((${#packages[@]} + ${#problems[@]})); then
  explain_and_fail
fi
if [[ -z "${ORT_DYLIB_PATH:-}" ]] && ! has_onnxruntime; then
  scripts/fetch-onnxruntime.sh
fi
if [[ "$purpose" == test ]]; then
  scripts/fetch-verifiers.sh
fi
if [[ "$purpose" == check ]]; then
  scripts/fetch-linters.sh
fi
# Downloads the crates before anything compiles. Cargo itself repeats single requests, `retry` the whole step.
CARGO_NET_RETRY=3 retry cargo fetch --locked --quiet
npm_projects=(frontend)
if [[ "$purpose" == bench ]]; then
  npm_projects+=(bench/peers bench/lighthouse)
fi
for project in "${npm_projects[@]}"; do
  if [[ ! "$project/node_modules/.package-lock.json" -nt "$project/package-lock.json" ]]; then
    retry npm --prefix "$project" ci --no-audit --no-fund
    touch "$project/node_modules/.package-lock.json"
  fi
done
if [[ "$purpose" == bench ]] && ! cmp -s bench/peers/requirements.txt .groundswell/bench-peers/installed.txt; then
  python3 -m venv --clear .groundswell/bench-peers
  retry .groundswell/bench-peers/bin/pip install --quiet --disable-pip-version-check -r bench/peers/requirements.txt
  # Copied last, so an interrupted installation does not look complete.
  cp bench/peers/requirements.txt .groundswell/bench-peers/installed.txt
fi
