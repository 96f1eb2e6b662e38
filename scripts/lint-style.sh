#!/usr/bin/env bash
# Checks that the code samples in STYLE.md exist in the code: for each sample, one
# file must contain all its lines, apart from indentation.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

samples=0
problems=0
candidates=()
missing=""
inside=false
number=0
while IFS= read -r line; do
  number=$((number + 1))
  if ! $inside; then
    if [[ "$line" =~ ^\`\`\`[a-z]+$ ]]; then
      inside=true
      missing=""
      candidates=(src tests frontend/src)
      samples=$((samples + 1))
    fi
  elif [[ "$line" == '```' ]]; then
    inside=false
    if [[ -n "$missing" ]]; then
      echo "STYLE.md:$missing" >&2
      problems=$((problems + 1))
    fi
  elif [[ -z "$missing" ]]; then
    # Indentation depends on where the code is.
    code="$(sed 's/^[[:space:]]*//; s/[[:space:]]*$//' <<<"$line")"
    mapfile -t candidates < <(grep -rlF --include='*.rs' --include='*.ts' -- "$code" "${candidates[@]}" || true)
    if ((${#candidates[@]} == 0)); then
      missing="$number: no file contains the sample up to this line: $code"
    fi
  fi
done <STYLE.md

if ((problems)); then
  echo "STYLE.md: replace these samples with code that exists" >&2
  exit 1
fi
echo "style: $samples samples exist in the code"
