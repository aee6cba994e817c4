// RUN: nncc-opt %s --pass-pipeline='builtin.module(convert-nn-to-linalg,canonicalize,cse,exec-form-kernels)' | FileCheck %s

// Behind a product of all rows of a batch, its normalisation is one kernel, of all rows as well: also the part that has one number a row, whose
// dim of size 1 is kept.
// CHECK: exec.kernel @k0_matmul(
// CHECK: exec.kernel @k1_reduce_add_div_sub_mul_add(%{{[^:]*}}: tensor<?x64xf32>
// CHECK-NOT: exec.kernel
// CHECK: func.func @dynamic
// CHECK-COUNT-2: exec.launch
// CHECK-NOT: exec.launch
func.func @dynamic(%x: tensor<?x?x32xf32, #nn.dims<"b", "s", "">>, %w: tensor<32x64xf32>, %s: tensor<64xf32>, %t: tensor<64xf32>)
    -> tensor<?x?x64xf32, #nn.dims<"b", "s", "">> {
  %0 = nn.matmul %x, %w : tensor<?x?x32xf32, #nn.dims<"b", "s", "">>, tensor<32x64xf32> -> tensor<?x?x64xf32, #nn.dims<"b", "s", "">>
  %1 = nn.layer_norm %0 scale %s : tensor<64xf32> bias %t : tensor<64xf32> axis 2 epsilon 1.0e-12 : tensor<?x?x64xf32, #nn.dims<"b", "s", "">> -> tensor<?x?x64xf32, #nn.dims<"b", "s", "">>
  return %1 : tensor<?x?x64xf32, #nn.dims<"b", "s", "">>
}
