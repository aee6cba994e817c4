#!/bin/bash
# On a machine with an NVIDIA GPU: are the kernels right, and how fast are they? Writes OUT/gpu.html and the logs beside it.
#   bench/gpu.sh [--out=FOLDER] [--emulate=CARD] [NAME ...]       NAME as in bench/compare.py; none: every model that is here
# 1. kernels of others' compilers on the card: that the emulator and the card agree on what PTX means
# 2. the node tests of ONNX
# 3. every model against its references
# 4. times against ONNX Runtime (CUDA, TensorRT), TensorRT and torch.compile, each where it is installed in $NNCC_BENCH_PYTHON's environment
# 5. the share of the card's limits that each kernel reaches
# --emulate=t4 goes through the same parts without a GPU, but times nothing. Closes with `N passed, N failed`.
set -uo pipefail
. "$(dirname "$0")/../scripts/env.sh"

out=$root/build/gpu card='' names=()
for argument in "$@"; do
  case $argument in
  --out=*) out=${argument#--out=} ;;
  --emulate=*) card=${argument#--emulate=} ;;
  -*) fail "unknown option $argument (there are --out and --emulate)" ;;
  *) names+=("$argument") ;;
  esac
done
build=${NNCC_BUILD:-$root/build/release}
python=${NNCC_BENCH_PYTHON:-$deps/venv-bench/bin/python}
[ -x "$python" ] || python=$deps/venv/bin/python
[ -x "$build/bin/nncc" ] || fail "no $build/bin/nncc: build first (cmake --preset release && cmake --build --preset release)"
[ -x "$python" ] || fail "no $python: run scripts/bootstrap.sh --bench"
[ -n "$card" ] || ldconfig -p | grep -q libcuda.so.1 || fail "no CUDA driver found (libcuda.so.1); --emulate=t4 tries the parts without one"
mkdir -p "$out"

passed=0 failed=0
# part NAME COMMAND...: its output goes to OUT/NAME.log too, and its closing line to the totals.
part() {
  local name=$1 status last
  shift
  say "$name"
  "$@" 2>&1 | tee "$out/$name.log"
  status=${PIPESTATUS[0]}
  last=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$out/$name.log" | tail -n 1)
  if [ -n "$last" ]; then
    passed=$((passed + ${last%% passed*}))
    last=${last#*, }
    failed=$((failed + ${last%% failed*}))
  elif [ "$status" != 0 ]; then
    failed=$((failed + 1))
  fi
}

if [ -n "$card" ]; then
  emulated=("--emulate=$card")
  where=("--emulate=$card")
  driver=$build/lib/nncc/libcuda.so.1
else
  emulated=()
  where=(--device)
  driver=libcuda.so.1
  nvidia-smi > "$out/nvidia-smi.log" 2>&1 || say "nvidia-smi does not answer: the page has no clocks and temperatures"
fi
part kernels "$python" "$root/emulator/test/thirdparty/run.py" "--cuda=$driver" "--only=${NNCC_GPU_KERNELS:-}" ${card:+"--card=$card"}
part operators "$python" "$root/test/Conformance/run.py" "--build=$build" --target=cuda ${NNCC_GPU_OPERATORS:+"$NNCC_GPU_OPERATORS"} "${where[@]}"
part models "$python" "$root/bench/gpu.py" "--build=$build" "--page=$out/gpu.html" "--json=$out/gpu.json" "${emulated[@]}" "${names[@]}"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
