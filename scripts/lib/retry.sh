# Defines `retry` for steps that need the network. Scripts source this file.
# shellcheck shell=bash

# Runs a command up to three times, because package indexes and mirrors are sometimes unreachable for a few seconds.
# Returns the exit code of the last attempt. A command that was told to stop (SIGHUP, Ctrl-C, SIGTERM) gets no further attempt.
retry() {
  local attempts=3 pause_seconds=5 attempt code
  for ((attempt = 1; attempt <= attempts; attempt++)); do
    "$@" && return
    code=$?
    if ((code == 129 || code == 130 || code == 143)); then
      return "$code"
    fi
    if ((attempt == attempts)); then
      echo "attempt $attempt of $attempts failed (exit code $code): $*" >&2
      return "$code"
    fi
    echo "attempt $attempt of $attempts failed (exit code $code), next one in $pause_seconds s: $*" >&2
    sleep "$pause_seconds"
    pause_seconds=$((pause_seconds * 3))
  done
}
