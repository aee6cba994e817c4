# What the compiler is built on: MLIR and LLVM 22 and lld (shared libraries of Debian's packages), protobuf, ONNX 1.23.2.

set(NNCC_DEPS "$ENV{NNCC_DEPS}" CACHE PATH "where scripts/bootstrap.sh installed ONNX (default ~/.cache/nncc)")
if(NOT NNCC_DEPS)
  set(NNCC_DEPS "$ENV{HOME}/.cache/nncc")
endif()

find_package(MLIR 22.1 REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
find_package(LLD 22.1 REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/lld)
find_package(Protobuf REQUIRED) # Debian has no protobuf-config.cmake: this must come before ONNX, which only names the target.
find_package(ONNX REQUIRED CONFIG HINTS "${NNCC_DEPS}/onnx-1.23.2/lib/cmake/ONNX")
set(MLIR_TABLEGEN_EXE "${MLIR_INSTALL_PREFIX}/bin/mlir-tblgen")

# Debian's LLVM has RTTI and no exceptions. The two shared libraries, never a component: mixing gives two copies of everything.
add_library(nncc_compiler_flags INTERFACE)
target_include_directories(nncc_compiler_flags INTERFACE ${CMAKE_SOURCE_DIR}/include)
target_include_directories(nncc_compiler_flags SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/include ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
target_compile_options(nncc_compiler_flags INTERFACE -fno-semantic-interposition
  $<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>)
target_link_libraries(nncc_compiler_flags INTERFACE nncc_warnings MLIR LLVM)

add_library(nncc_pch OBJECT ${CMAKE_SOURCE_DIR}/lib/Support/Precompiled.cpp)
target_link_libraries(nncc_pch PUBLIC nncc_compiler_flags)
target_compile_options(nncc_pch PRIVATE -fno-exceptions)
if(NNCC_PCH)
  target_precompile_headers(nncc_pch PRIVATE ${CMAKE_SOURCE_DIR}/lib/Support/Precompiled.h)
endif()
