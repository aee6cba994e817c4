#!/bin/bash
# Builds nncc and runs its tests on a machine that may have nothing installed. Minutes on two cores with nothing cached:
#   build 12, lit and unit 5, conformance 8, end to end 5, address and undefined-behaviour sanitizers 17.
#   scripts/test.sh           what every change must pass (and what CI runs)
#   scripts/test.sh --full    everything, in every preset, at every optimisation level; no limit on time
#   scripts/test.sh STEP...   only these steps (what is missing is installed and built first): house format tidy lit harness
#                             ptx assembly families conformance conformance-gpu models sanitize
# Each step's output goes to build/test-logs/STEP.log; a failed step shows the end of it. Closes with `N passed, N failed`.
set -uo pipefail
. "$(dirname "$0")/env.sh"
cd "$root" || exit 1

full='' only=()
for argument in "$@"; do
  if [ "$argument" = --full ]; then full=1; else only+=("$argument"); fi
done
logs=build/test-logs
mkdir -p $logs
python=$deps/venv/bin/python
total_passed=0 total_failed=0
started=$(date +%s)

wanted() { [ ${#only[@]} = 0 ] || [[ " ${only[*]} " = *" $1 "* ]]; }

# What a log says of its tests: the sums over lit's, pytest's and our own closing lines. "0 0" where it says nothing.
counts() {
  awk '/^ *(Passed|Unsupported|Expectedly Failed) *: *[0-9]/ && !/Unsupported/ { p += $(NF > 2 && $NF ~ /%/ ? NF - 1 : NF) }
       /^ *(Failed|Unresolved|Timed Out|Unexpectedly Passed) *: *[0-9]/ { f += $(NF > 2 && $NF ~ /%/ ? NF - 1 : NF) }
       /^[0-9]+ passed, [0-9]+ failed/ { p += $1; f += $3; next }
       /^=* ?([0-9]+ failed, )?[0-9]+ passed.* in [0-9.]+s/ { for (i = 2; i <= NF; i++) { if ($i ~ /^passed/) p += $(i - 1); if ($i ~ /^failed/) f += $(i - 1) } }
       END { print p + 0, f + 0 }' "$1"
}

# step NAME MINUTES COMMAND...: runs it within the time, and adds its tests to the totals. A step that fails without saying what
# failed is one failed test.
step() {
  local name=$1 minutes=$2 begun passed failed status
  shift 2
  wanted "$name" || return 0
  begun=$(date +%s)
  say "$name: $*"
  timeout --kill-after=10 "$((minutes * 60))" "$@" > "$logs/$name.log" 2>&1 < /dev/null
  status=$?
  read -r passed failed < <(counts "$logs/$name.log")
  if [ $status != 0 ]; then
    [ "$failed" -gt 0 ] || failed=1
    [ $status != 124 ] || echo "error: $name was stopped after $minutes minutes" >> "$logs/$name.log"
    tail -n 40 "$logs/$name.log"
  elif [ "$passed" = 0 ] && [ "$failed" = 0 ]; then
    passed=1
  fi
  total_passed=$((total_passed + passed)) total_failed=$((total_failed + failed))
  say "$name: $passed passed, $failed failed, $(($(date +%s) - begun)) s"
  return $status
}

finish() {
  say "took $((($(date +%s) - started) / 60)) min $((($(date +%s) - started) % 60)) s"
  echo "$total_passed passed, $total_failed failed"
  [ $total_failed = 0 ]
  exit
}

build() { cmake --preset "$1" && cmake --build --preset "$1"; }
export -f build

# The minutes are where a hanging step is stopped, far beyond what it takes.
quick() {
  step house 3 bash -c 'python3 test/House/check.py --self-test && python3 test/House/check.py'
  step format 5 scripts/format.sh --check
  step tidy 12 scripts/tidy.sh --seconds=240
  step lit 20 cmake --build --preset release --target check
  step harness 15 "$python" -m pytest -q -p no:cacheprovider test/Conformance test/EndToEnd test/GPU test/Python test/Install test/Docs
  step ptx 10 "$python" emulator/test/thirdparty/run.py
  step assembly 20 "$python" test/GPU/assemble.py --gpu=k40,gtx1080,v100,t4,a100,h100
  step families 15 "$python" test/GPU/mutants.py --each=0 --gpu=k40,t4,a100,h100
  step conformance 20 "$python" test/Conformance/run.py
  step conformance-gpu 15 "$python" test/Conformance/run.py --target=cuda --sample=10
  step models 15 "$python" test/EndToEnd/run.py
  step sanitize 30 scripts/sanitize.sh
}

everything() {
  quick
  step tidy-all 600 scripts/tidy.sh --all
  for level in 0 1 2; do step conformance-O$level 120 "$python" test/Conformance/run.py -O$level; done
  for cpu in x86-64-v2 x86-64-v3 x86-64-v4; do step "conformance-$cpu" 120 "$python" test/Conformance/run.py --mcpu=$cpu; done
  step conformance-gpu-all 120 "$python" test/Conformance/run.py --target=cuda
  for card in k40 gtx1080 v100 t4 a100 h100; do step models-$card 120 "$python" test/EndToEnd/run.py --target=cuda --emulate=$card -O 3 --timeout=900; done
  step conformance-numpy 120 "$python" test/Conformance/run.py --judge=numpy
  step assembly-all 600 "$python" test/GPU/assemble.py --gpu=all
  step mutants 600 "$python" test/GPU/mutants.py --each=20 --gpu=k40,gtx1080,v100,t4,a100,h100
  step large 60 "$python" test/EndToEnd/large.py
  step backend 120 env NNCC_FULL=1 "$python" -m pytest -q -p no:cacheprovider test/Python/test_onnx_backend.py
  step bench-models 600 "$python" test/EndToEnd/run.py --bench 'shared/bench/*'
  step dev 120 bash -c 'build dev && cmake --build --preset dev --target check'
  step no-pch 60 bash -c 'cmake --preset release -B build/no-pch -DNNCC_PCH=OFF && cmake --build build/no-pch'
  step sanitize-all 600 scripts/sanitize.sh --full
}

say "installing what is missing"
scripts/bootstrap.sh --cuda || { total_failed=1; finish; }
say "building (12 minutes with nothing cached; the log is $logs/build.log)"
begun=$(date +%s)
if build release > $logs/build.log 2>&1; then say "build: $(($(date +%s) - begun)) s"; else
  grep -E 'error|FAILED' $logs/build.log | head -40
  total_failed=1
  finish
fi
if [ -n "$full" ]; then everything; else quick; fi
finish
