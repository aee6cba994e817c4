#!/bin/bash
# Sanitizers. Every run: the runtime with AddressSanitizer and UndefinedBehaviorSanitizer, and with ThreadSanitizer, its unit tests in
# both; models that nncc instrumented (--sanitize=thread) on several threads. With --full also the compiler with AddressSanitizer and
# UndefinedBehaviorSanitizer: the unit tests, the lit tests (with the rows of bad input), and all conformance cases.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

export ASAN_OPTIONS=allow_user_poisoning=0:detect_leaks=0 # Debian's LLVM is not instrumented; see docs/Testing.md
status=0

# runtime_with SANITIZERS: builds the runtime and its tests alone, in build/SANITIZER-runtime, and runs the tests.
runtime_with() {
  local tree=build/${1%%,*}-runtime
  cmake --preset asan -B "$tree" -DNNCC_BUILD_COMPILER=OFF -DNNCC_SANITIZE="$1"
  cmake --build "$tree"
  # The addresses of this machine may be too random for ThreadSanitizer.
  setarch -R "$tree/test/Unit/Runtime/RuntimeTests" || status=1
}

runtime_with address,undefined
runtime_with thread
cmake --preset release
cmake --build --preset release --target nncc
"$deps/venv/bin/python" test/Sanitize/threads.py --runtime=build/thread-runtime || status=1

if [ "${1:-}" = --full ]; then
  cmake --preset asan
  cmake --build --preset asan
  /usr/lib/llvm-22/bin/lit -sv build/asan/test build/asan/test/Unit || status=1
  "$deps/venv/bin/python" test/Conformance/run.py --build=build/asan --timeout=300 || status=1
fi
exit $status
