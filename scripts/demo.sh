#!/bin/bash
# Shows nncc at work: installs what is missing, builds the compiler, compiles a trained classifier of handwritten digits into an
# object file, links it into an application, and runs that on images: on the CPU, then on a GPU, or on the emulator of one where there is
# none. About 15 minutes on two cores with nothing installed.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

show() {
  printf '\n$ %s\n' "$*"
  "$@"
}

say "installing what is missing (Debian packages, the ONNX library)"
scripts/bootstrap.sh
mkdir -p build
say "building the compiler and the runtime (10 minutes with nothing cached; the log is build/demo-build.log)"
{ cmake --preset release && cmake --build --preset release --target nncc nnccrt nnccrt_cuda nncc_emu_cuda; } > build/demo-build.log 2>&1 ||
  { grep -E 'error|FAILED' build/demo-build.log | head -40 >&2; fail "the build failed"; }

out=$root/build/demo
rm -rf "$out"
mkdir -p "$out"
say "compiling models/digits: a convolutional network that models/digits/train.py trained; right on 99.6 % of the test images"
show build/release/bin/nncc models/digits/model.onnx --name=digits -o "$out/digits.o"
say "that is an ordinary object file, and a header with a class:"
show ls -l "$out"
say "linking it into an application (examples/digits)"
show clang++-22 -std=c++17 -O2 -Iruntime/include -I"$out" examples/digits/digits_app.cpp "$out/digits.o" build/release/runtime/libnnccrt.a \
  -lpthread -ldl -o "$out/digits_app"
say "running it on handwritten digits that the training never saw"
show "$out/digits_app" models/digits/images/{3,4,7,9}.pgm

say "the same model for GPUs: every kernel as PTX, for each family of cards that needs its own"
mkdir "$out/gpu"
show build/release/bin/nncc models/digits/model.onnx -target=cuda --name=digits -o "$out/gpu/digits.o"
show clang++-22 -std=c++17 -O2 -Iruntime/include -I"$out/gpu" examples/digits/digits_app.cpp "$out/gpu/digits.o" \
  build/release/runtime/libnnccrt_cuda.a -lpthread -ldl -o "$out/gpu/digits_app"
if NNCC_DEVICE=cuda "$out/gpu/digits_app" > /dev/null 2>&1; then
  say "running it on the GPU of this machine"
else
  say "this machine has no GPU: the emulator takes the place of the driver (libcuda.so.1), and poses as a Tesla T4"
  export LD_LIBRARY_PATH=$root/build/release/lib/nncc NNCC_EMU=t4
fi
show "$out/gpu/digits_app" models/digits/images/{3,4,7,9}.pgm
