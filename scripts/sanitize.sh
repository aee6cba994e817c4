#!/bin/bash
# Builds the runtime with AddressSanitizer and UndefinedBehaviorSanitizer and runs its unit tests. With --full the same for everything:
# the unit tests, the lit tests, and all conformance cases.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

sample=1
export ASAN_OPTIONS=allow_user_poisoning=0:detect_leaks=0 # Debian's LLVM is not instrumented; see docs/Testing.md
if [ "${1:-}" != --full ]; then
  cmake --preset asan -B build/asan-runtime -DNNCC_BUILD_COMPILER=OFF
  cmake --build build/asan-runtime
  exec build/asan-runtime/test/Unit/Runtime/RuntimeTests
fi
cmake --preset asan
cmake --build --preset asan
status=0
/usr/lib/llvm-22/bin/lit -sv build/asan/test build/asan/test/Unit || status=1
"$deps/venv/bin/python" test/Conformance/run.py --build=build/asan --sample=$sample --timeout=300 || status=1
exit $status
