#!/bin/bash
# Installs what nncc is built with and tested with: Debian's packages, the ONNX C++ library, a Python environment for the tests.
#   scripts/bootstrap.sh [--bench] [--train]     also the environments of bench/compare.py and models/*/train.py
#   scripts/bootstrap.sh --cuda                  also the assemblers of test/GPU/assemble.py
#   scripts/bootstrap.sh --compilers             also the compilers of emulator/test/thirdparty/compile.py
# Everything beside Debian's packages goes to $NNCC_DEPS (default ~/.cache/nncc). A second run does nothing.
set -euo pipefail
. "$(dirname "$0")/env.sh"

onnx_version=1.23.2
packages=(
  libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools liblld-22-dev lld-22 clang-22 clang-tidy-22 clang-format-22
  libclang-rt-22-dev g++ libzstd-dev zlib1g-dev libprotobuf-dev protobuf-compiler libgtest-dev libgmock-dev libbenchmark-dev
  cmake ninja-build ccache python3 python3-venv git ca-certificates
)

install_packages() {
  local missing=()
  for package in "${packages[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || { say "Debian's packages are installed"; return; }
  local line="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
  [ "$(id -u)" = 0 ] || fail "as root, run this line once, then start again:
  $line"
  say "installing ${#missing[@]} Debian packages"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get -q update && apt-get -q install -y --no-install-recommends "${missing[@]}"; } > "$deps/apt.log" 2>&1 ||
    { tail -20 "$deps/apt.log" >&2; fail "apt-get failed; the line was: $line"; }
}

# The library's own source distribution, built against the system's protobuf. No exact twin of it is in Debian.
install_onnx() {
  local prefix=$deps/onnx-$onnx_version stamp
  stamp="onnx $onnx_version, protobuf $(protoc --version | cut -d' ' -f2), c++ $(c++ -dumpfullversion)"
  up_to_date() { [ "$(cat "$prefix/.stamp" 2>/dev/null)" = "$stamp" ]; }
  if up_to_date; then say "$prefix is up to date ($stamp)"; return; fi
  say "building the ONNX $onnx_version C++ library (about 80 s on two cores)"
  (
    flock 9
    up_to_date || build_onnx "$prefix" "$stamp"
  ) 9> "$prefix.lock" || fail "ONNX could not be built; see $deps/onnx.log"
}

# One chain of &&: bash forgets `set -e` wherever a caller looks at the result.
build_onnx() (
  prefix=$1 work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  exec > "$deps/onnx.log" 2>&1
  pip="$work/venv/bin/pip --disable-pip-version-check -q"
  # Debian 12's CMake is 3.25, too old for ONNX; the backend gives pip the metadata.
  $(system_python) -m venv "$work/venv" &&
    $pip install "cmake>=3.26,<5" "scikit-build-core>=0.11,<2" &&
    $pip download --no-deps --no-build-isolation --no-binary onnx -d "$work" "onnx==$onnx_version" &&
    tar -xzf "$work/onnx-$onnx_version.tar.gz" -C "$work" &&
    configure_onnx "$work" "$prefix.new" &&
    ninja -C "$work/build" install &&
    echo "$2" > "$prefix.new/.stamp" &&
    rm -rf "$prefix" &&
    mv "$prefix.new" "$prefix"
)

# CMAKE_PREFIX_PATH: a protobuf found by accident elsewhere gives link errors much later.
configure_onnx() {
  "$1/venv/bin/cmake" -G Ninja -S "$1/onnx-$onnx_version" -B "$1/build" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_INSTALL_PREFIX="$2" -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
    -DCMAKE_PREFIX_PATH=/usr -DPython3_EXECUTABLE="$1/venv/bin/python" -DCMAKE_CXX_COMPILER_LAUNCHER=ccache \
    -DONNX_ML=ON -DONNX_BUILD_PYTHON=OFF -DONNX_GEN_PB_TYPE_STUBS=OFF -DONNX_USE_PROTOBUF_SHARED_LIBS=ON
}

# cuda_tool NAME PACKAGE FILE: one program out of a wheel, as $deps/cuda/NAME. Whole packages would lie over each other in one environment.
cuda_tool() {
  local tool=$deps/cuda/$1 work status=0
  [ "$(cat "$tool.stamp" 2>/dev/null)" != "$2" ] || return 0
  work=$(mktemp -d)
  "$deps/venv/bin/pip" --disable-pip-version-check -q download --no-deps -d "$work" "$2" &&
    "$deps/venv/bin/python" -m zipfile -e "$work"/*.whl "$work" &&
    install -D "$work/$3" "$tool" && echo "$2" > "$tool.stamp" || status=1
  rm -rf "$work"
  return $status
}

# What no GPU is needed for: every ptxas that is in use, and the two disassemblers that read what they make (12.8: sm_50 to sm_72).
install_cuda() {
  say "CUDA's assemblers are in $deps/cuda"
  (
    flock 9
    cuda_tool ptxas-11.8 nvidia-cuda-nvcc-cu11==11.8.89 nvidia/cuda_nvcc/bin/ptxas &&
      cuda_tool ptxas-12.9 nvidia-cuda-nvcc-cu12==12.9.86 nvidia/cuda_nvcc/bin/ptxas &&
      cuda_tool ptxas-13.0 nvidia-cuda-nvcc==13.0.88 nvidia/cu13/bin/ptxas &&
      cuda_tool nvdisasm-12.8 triton==3.3.1 triton/backends/nvidia/bin/nvdisasm &&
      cuda_tool nvdisasm-13.5 nvidia-cuda-nvdisasm==13.5.37 nvidia/cu13/bin/nvdisasm
  ) 9> "$deps/cuda.lock" || fail "pip could not get CUDA's assemblers"
}

mkdir -p "$deps"
install_packages
install_onnx
make_venv "$deps/venv" "$root/scripts/requirements.txt"
for option in "$@"; do
  case $option in
  --bench) make_venv "$deps/venv-bench" "$root/scripts/requirements-bench.txt" ;;
  --train) make_venv "$deps/venv-train" "$root/scripts/requirements-train.txt" ;;
  --compilers) make_venv "$deps/venv-cuda" "$root/scripts/requirements-cuda.txt" ;;
  --cuda) install_cuda ;;
  *) fail "unknown option $option (there are --bench, --compilers, --cuda and --train)" ;;
  esac
done
