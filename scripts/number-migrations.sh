#!/usr/bin/env bash
# Gives the migrations that are not on main yet the numbers after those that are:
#
#   scripts/number-migrations.sh [BASE]
#
# Run it after merging or rebasing onto main. The new migrations keep their order; of
# two with the same number, the first by name comes first. Files are renamed with
# `git mv`, and lines that this branch added follow: names such as V36__x as well as
# "V36" and "migration 36". If the numbers are right, nothing changes. BASE is a commit
# whose migrations keep their numbers; by default, the last one on main.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  echo "number-migrations: $1" >&2
  exit 1
}

exists() { git rev-parse --quiet --verify "$1^{commit}" >/dev/null; }

is_ancestor() { git merge-base --is-ancestor "$1" "$2" 2>/dev/null; }

# Prints the newest commit on main that this branch contains, or that the merge in
# progress brings in.
last_on_main() {
  local main head found last=""
  for main in origin/main main; do
    # On main itself, only origin/main knows what has landed.
    if ! exists "$main" || [[ "$(git symbolic-ref --quiet --short HEAD)" == "$main" ]]; then
      continue
    fi
    for head in HEAD MERGE_HEAD; do
      if exists "$head" && found="$(git merge-base "$head" "$main")" &&
        { [[ -z "$last" ]] || is_ancestor "$last" "$found"; }; then
        last="$found"
      fi
    done
  done
  echo "$last"
}

# Sorts files by number, then by name, and leaves out other files.
sorted() { sed -nE 's/^V([1-9][0-9]*)__.*\.sql$/\1 &/p' | sort -k1,1n -k2 | cut -d' ' -f2; }
number() { sed -E 's/^V([0-9]+)__.*/\1/' <<<"$1"; }
subject() { sed -E 's/^V[0-9]+__(.*)\.sql/\1/' <<<"$1"; }

present="$(cd migrations && printf '%s\n' *.sql | sorted)"
base="${1:-$(last_on_main)}"
if [[ -z "$base" ]]; then
  if [[ "$(sed -E 's/^V([0-9]+)__.*/\1/' <<<"$present")" == "$(seq "$(wc -l <<<"$present")")" ]]; then
    echo "migrations: in order"
    exit 0
  fi
  fail "no commit of this branch is on main or origin/main: name the last commit that landed"
fi
exists "$base" || fail "\`$base\` is not a commit"

landed="$(git ls-tree --name-only "$base:migrations" | sorted)"
twice="$(sed -E 's/__.*//' <<<"$landed" | uniq -d | head -1)"
[[ -z "$twice" ]] || fail "at $base, two migrations are $twice: name an older commit"

# The new migrations: their files, their numbers, and the numbers that they get.
files=() from=() to=()
next=$(($(number "$(tail -1 <<<"${landed:-V0__}")") + 1))
changes=false
while read -r file; do
  files+=("$file")
  from+=("$(number "$file")")
  to+=("$next")
  [[ "${from[-1]}" == "$next" ]] || changes=true
  next=$((next + 1))
done < <(grep -vxF -f <(echo "${landed:-none}") <<<"$present")

if ! $changes; then
  echo "migrations: ${#files[@]} not on main, in order"
  exit 0
fi

is_tracked() { git ls-files --error-unmatch -- "$1" >/dev/null 2>&1; }

# Prints the numbers of the lines of a file that the base does not have.
added_lines() {
  local first count
  if ! is_tracked "$1"; then
    seq "$(wc -l <"$1")"
    return
  fi
  git diff --unified=0 "$base" -- "$1" | sed -nE 's/^@@ -[0-9,]+ \+([0-9]+)(,([0-9]+))? @@.*/\1 \3/p' |
    while read -r first count; do seq "$first" $((first + ${count:-1} - 1)); done
}

# Whether a line, of this file and commit, and a new migration were developed together:
# in the same file, or in commits of which one contains the other.
belong_together() {
  local place="$1" commit="$2" file="migrations/$3" added
  case "$place" in
    "$file") return 0 ;;
    migrations/V*) return 1 ;;
  esac
  added="$(git log --diff-filter=A --format=%H "$base..HEAD" -- "$file" | tail -1)"
  [[ -n "$commit" && -n "$added" ]] && { is_ancestor "$commit" "$added" || is_ancestor "$added" "$commit"; }
}

# Prints the positions of the new migrations to which this number in a line may refer.
owners() {
  local place="$1" commit="$2" number="$3" i same=() together=()
  for i in "${!files[@]}"; do
    [[ "${from[i]}" != "$number" ]] || same+=("$i")
  done
  if ((${#same[@]} > 1)); then
    for i in "${same[@]}"; do
      if belong_together "$place" "$commit" "${files[i]}"; then together+=("$i"); fi
    done
  fi
  echo "${together[@]:-${same[@]}}"
}

# Precedes new numbers until the end, so that none is taken for an old one.
mark=$'\x01'

rewrite_line() {
  local place="$1" line="$2" text="$3" commit number positions i
  commit="$(git blame --porcelain -L "$line,$line" -- "$place" 2>/dev/null | head -1 | cut -d' ' -f1)" || true
  for number in $(grep -oE '\b(V|[Mm]igration )[0-9]+\b' <<<"$text" | grep -oE '[0-9]+$' | sort -u); do
    read -ra positions < <(owners "$place" "$commit" "$number")
    case "${#positions[@]}" in
      0) ;;
      1) sed -i -E "${line}s/\\b(V|[Mm]igration )$number\\b/\\1$mark${to[positions[0]]}/g" "$place" ;;
      *) echo "$place:$line: several migrations were $number; correct this by hand: $text" >&2 ;;
    esac
  done
  for i in "${!files[@]}"; do
    sed -i "${line}s/\\bV${from[i]}__$(subject "${files[i]}")\\b/V$mark${to[i]}__$(subject "${files[i]}")/g" "$place"
  done
  # A test that starts from an older state of the schema: which one is not to be guessed.
  if [[ "$text" == *"Target::Version("* ]]; then
    echo "$place:$line: check this number: $text" >&2
  fi
}

while read -r place; do
  [[ -f "$place" ]] && grep -qI . "$place" || continue
  while IFS=: read -r line text; do
    rewrite_line "$place" "$line" "$text"
  done < <(grep -nE '\bV[0-9]+(__|\b)|\b[Mm]igration [0-9]+\b|Target::Version\(' "$place" |
    awk -F: 'NR == FNR { added[$1]; next } $1 in added' <(added_lines "$place") -)
  if grep -q "$mark" "$place"; then
    sed -i "s/$mark//g" "$place"
    echo "$place: references follow"
  fi
done < <({ git diff --name-only "$base"; git ls-files --others --exclude-standard; } | sort -u)

move() {
  if is_tracked "$1"; then git mv "$1" "$2"; else mv "$1" "$2"; fi
}
# In two steps, because the new name of one can be the old name of another.
for i in "${!files[@]}"; do
  [[ "${from[i]}" == "${to[i]}" ]] || move "migrations/${files[i]}" "migrations/${files[i]}.renamed"
done
for i in "${!files[@]}"; do
  if [[ "${from[i]}" != "${to[i]}" ]]; then
    renamed="V${to[i]}__$(subject "${files[i]}").sql"
    move "migrations/${files[i]}.renamed" "migrations/$renamed"
    echo "migrations/${files[i]} → $renamed"
  fi
done
