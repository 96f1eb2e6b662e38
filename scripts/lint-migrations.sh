#!/usr/bin/env bash
# Checks that migrations are numbered without gaps and do not remove anything silently.
#
# Files must be named V1__x.sql, V2__y.sql … without a gap. A migration that
# removes columns or tables must explain in a `-- contract:` comment why nothing
# reads them any more (migrations/README.md: expand, then contract).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../migrations"

problems=0
complain() {
  echo "migrations/$1: $2" >&2
  problems=$((problems + 1))
}

numbers=()
for file in *.sql; do
  if [[ ! "$file" =~ ^V([1-9][0-9]*)__[a-z0-9]+(_[a-z0-9]+)*\.sql$ ]]; then
    complain "$file" "must be named V<number>__<what_it_adds>.sql"
    continue
  fi
  numbers+=("${BASH_REMATCH[1]}")
  # Ignore all comments except the required one, and triggers that fire on TRUNCATE.
  if sed -E 's/--.*//; s/\b(before|after)[[:space:]]+truncate\b//Ig' "$file" | grep -qiE '\bdrop[[:space:]]+(table|column|schema)\b|\btruncate\b' &&
    ! grep -qE '^-- contract: .+' "$file"; then
    complain "$file" "removes data without a \`-- contract: <why nothing reads it any more>\` line"
  fi
done

expected=1
while read -r number; do
  if ((number != expected)); then
    files=("V${number}__"*.sql)
    if ((number < expected)); then
      complain "${files[*]}" "have the same number: run \`make number-migrations\`"
    else
      complain "${files[0]}" "should be V$expected: run \`make number-migrations\`"
    fi
    break
  fi
  expected=$((expected + 1))
done < <(printf '%s\n' "${numbers[@]}" | sort -n)

if ((problems)); then
  exit 1
fi
echo "migrations: ${#numbers[@]} in order"
