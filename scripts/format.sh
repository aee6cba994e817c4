#!/bin/bash
# Formats C and C++ files.
#   scripts/format.sh [--check] [FILE...]    without files all of them; --check only says which are not formatted
set -euo pipefail
. "$(dirname "$0")/env.sh"

check=''
if [ "${1:-}" = --check ]; then check=1; shift; fi
if [ $# = 0 ]; then
  cd "$root"
  mapfile -t files < <(git ls-files -co --exclude-standard '*.cpp' '*.h' '*.c')
else
  for file in "$@"; do
    [ -f "$file" ] || fail "$file: no such file"
    case $file in *.cpp | *.h | *.c) ;; *) fail "$file: not a C or C++ file" ;; esac
  done
  files=("$@")
fi

if [ -n "$check" ]; then
  wrong=$(clang-format-22 --dry-run "${files[@]}" 2>&1 | sed -n 's/^\([^:]*\):[0-9:]* warning.*/\1/p' | sort -u)
  [ -z "$wrong" ] || sed "s/$/: error: not formatted; run scripts\/format.sh/" <<< "$wrong"
  bad=$(printf '%s' "$wrong" | grep -c . || true)
  echo "$((${#files[@]} - bad)) passed, $bad failed"
  [ "$bad" = 0 ]
else
  clang-format-22 -i "${files[@]}"
  say "formatted ${#files[@]} files"
fi
