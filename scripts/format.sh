#!/bin/bash
# Formats every C and C++ file; with --check only says which are not formatted.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

mapfile -t files < <(git ls-files -co --exclude-standard '*.cpp' '*.h' '*.c')
if [ "${1:-}" = --check ]; then
  wrong=$(clang-format-22 --dry-run "${files[@]}" 2>&1 | sed -n 's/^\([^:]*\):[0-9:]* warning.*/\1/p' | sort -u)
  [ -z "$wrong" ] || printf '%s: error: not formatted; run scripts/format.sh\n' $wrong
  bad=$(printf '%s' "$wrong" | grep -c . || true)
  echo "$((${#files[@]} - bad)) passed, $bad failed"
  [ "$bad" = 0 ]
else
  clang-format-22 -i "${files[@]}"
  say "formatted ${#files[@]} files"
fi
