#!/bin/bash
# Builds everything with AddressSanitizer and UndefinedBehaviorSanitizer, and runs the unit tests, the lit tests, and a sample of the
# conformance cases with it (all of them with --full).
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

sample=40
[ "${1:-}" != --full ] || sample=1
export ASAN_OPTIONS=allow_user_poisoning=0:detect_leaks=0 # Debian's LLVM is not instrumented; see docs/Testing.md
cmake --preset asan
cmake --build --preset asan
status=0
/usr/lib/llvm-22/bin/lit -sv build/asan/test build/asan/test/Unit || status=1
"$deps/venv/bin/python" test/Conformance/run.py --build=build/asan --sample=$sample --timeout=300 || status=1
exit $status
