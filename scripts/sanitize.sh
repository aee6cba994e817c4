#!/bin/bash
# Sanitizers. Every run: the runtime with AddressSanitizer and UndefinedBehaviorSanitizer, and with ThreadSanitizer, its unit tests in
# both; the runtime for GPUs with the first two, on the emulator, with all faults of the driver; models that nncc instrumented
# (--sanitize=thread) on several threads; the importer with AddressSanitizer and the cheaper half of UndefinedBehaviorSanitizer: the rows
# of bad input and the unit tests, with mutated models. With --full the compiler and the emulator with the same: all unit and lit tests,
# all rows of bad input, and all conformance cases.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

export ASAN_OPTIONS=allow_user_poisoning=0:detect_leaks=0:allocator_may_return_null=1 # Debian's LLVM is not instrumented; see docs/Testing.md
status=0

# runtime_with SANITIZERS TEST...: builds the runtime and its tests alone, in build/SANITIZER-runtime, and runs these. The emulator is that
# of the release, without sanitizers.
runtime_with() {
  local tree=build/${1%%,*}-runtime test
  cmake --preset asan -B "$tree" -DNNCC_BUILD_COMPILER=OFF -DNNCC_EMULATOR=OFF -DNNCC_SANITIZE="$1" \
    -DNNCC_EMULATED_DRIVER="$root/build/release/lib/nncc/libcuda.so.1"
  local tests=("${@:2}")
  cmake --build "$tree" --target nnccrt "${tests[@]##*/}"
  # The addresses of this machine may be too random for ThreadSanitizer.
  for test in "${tests[@]}"; do setarch -R "$tree/test/Unit/$test" --gtest_brief=1 || status=1; done
}

# What takes no longer to compile than a release: accesses are checked by calls, and pointers by AddressSanitizer alone (not by null,
# alignment, vptr, object-size, function and pointer-overflow of the other).
calls='-Wno-unused-command-line-argument -mllvm -asan-instrumentation-with-call-threshold=0 -fno-sanitize-address-use-after-scope'
cheap=address,array-bounds,bool,builtin,enum,float-cast-overflow,integer-divide-by-zero,nonnull-attribute,return
cheap+=,returns-nonnull-attribute,shift,signed-integer-overflow,unreachable,vla-bound

# What reads files of others.
importer() {
  local tree=build/asan-importer tests=(Import/ImportTests NN/NNTests Support/SupportTests)
  cmake --preset asan -B "$tree" -DNNCC_EMULATOR=OFF -DNNCC_SANITIZE="$cheap" -DCMAKE_CXX_FLAGS="$calls"
  cmake --build "$tree" --target nncc-translate "${tests[@]##*/}"
  for test in "${tests[@]}"; do "$tree/test/Unit/$test" --gtest_brief=1 || status=1; done
  NNCC_SANITIZED=1 "$deps/venv/bin/python" test/Hostile/run.py "$tree/bin/nncc-translate" --check -- '[!g]*' 'graph_[!c]*' || status=1
}

cmake --preset release
cmake --build --preset release --target nncc nncc_emu_cuda
runtime_with address,undefined Runtime/RuntimeTests
ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=1 runtime_with address,undefined Cuda/CudaTests # of LLVM there is nothing in it
runtime_with thread Runtime/RuntimeTests
importer
"$deps/venv/bin/python" test/Sanitize/threads.py --runtime=build/thread-runtime || status=1

if [ "${1:-}" = --full ]; then
  cmake --preset asan -DNNCC_SANITIZE="$cheap" -DCMAKE_CXX_FLAGS="$calls"
  cmake --build --preset asan
  /usr/lib/llvm-22/bin/lit -sv build/asan/test build/asan/test/Unit || status=1
  "$deps/venv/bin/python" test/Conformance/run.py --build=build/asan --timeout=300 || status=1
fi
exit $status
