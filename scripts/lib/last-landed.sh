# Defines `last_landed`. Scripts source this file.
# shellcheck shell=bash

# Prints the newest commit on main that this branch contains, and fails if none is known. On main itself, only origin/main
# knows what has landed.
last_landed() {
  local main branch
  branch="$(git symbolic-ref --quiet --short HEAD || true)"
  for main in origin/main main; do
    if [[ "$main" != "$branch" ]] && git merge-base HEAD "$main" 2>/dev/null; then
      return 0
    fi
  done
  return 1
}
