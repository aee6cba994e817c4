#!/bin/bash
# clang-tidy on the C++ files that changed since a commit; needs a configured build tree.
#   scripts/tidy.sh [--all] [--base=COMMIT] [--seconds=N] [--build=DIR]
# The default base is where this branch left origin/main, else the commit before. With --seconds, what is left over when the time is
# up is listed (newest changes come first).
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

base='' all='' seconds=100000 build=build/release
for option in "$@"; do
  case $option in
  --all) all=1 ;;
  --base=*) base=${option#*=} ;;
  --seconds=*) seconds=${option#*=} ;;
  --build=*) build=${option#*=} ;;
  *) fail "unknown option $option" ;;
  esac
done
if [ -z "$base" ]; then
  base=$(git merge-base HEAD origin/main 2>/dev/null || true)
  if [ -z "$base" ] || [ "$base" = "$(git rev-parse HEAD)" ]; then base=$(git rev-parse -q --verify HEAD~1 || git rev-parse HEAD); fi
fi

# The newest first; only what the build compiles, since only that has flags.
changed() {
  if [ -n "$all" ]; then git ls-files; else git diff --name-only "$base" -- && git log --format= --name-only "$base..HEAD"; fi |
    grep -E '\.(cpp|c)$' | awk '!seen[$0]++' |
    while read -r file; do if grep -qF "\"$root/$file\"" "$build/compile_commands.json"; then echo "$file"; fi; done
}
mapfile -t files < <(changed)
say "${#files[@]} changed files"

passed=0 failed=0 left=()
deadline=$(($(date +%s) + seconds))
check() { nice clang-tidy-22 -p "$build" --quiet "$1" > "$2/$(tr / _ <<< "$1").txt" 2>&1; }
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
for ((i = 0; i < ${#files[@]}; i += 2)); do # two at a time
  if [ "$(date +%s)" -ge $deadline ]; then left+=("${files[@]:i}"); break; fi
  pids=()
  for file in "${files[@]:i:2}"; do check "$file" "$logs" & pids+=("$!:$file"); done
  for pair in "${pids[@]}"; do
    if wait "${pair%%:*}"; then passed=$((passed + 1)); else
      failed=$((failed + 1))
      grep -E 'warning:|error:' "$logs/$(tr / _ <<< "${pair#*:}").txt" || echo "${pair#*:}: error: clang-tidy failed"
    fi
  done
done
[ ${#left[@]} = 0 ] || say "no time was left for ${#left[@]} files: ${left[*]}"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
