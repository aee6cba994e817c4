// RUN: nncc-opt %s --convert-nn-to-linalg --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @add_rows
// CHECK: %[[N:.*]] = exec.symbol "n"
// CHECK: %[[INIT:.*]] = tensor.empty(%[[N]]) : tensor<?x4xf32>
// CHECK: linalg.generic
// CHECK-SAME: ins(%{{.*}}, %{{.*}} : tensor<?x4xf32>, tensor<4xf32>) outs(%[[INIT]] : tensor<?x4xf32>)
// CHECK: arith.addf
func.func @add_rows(%x: tensor<?x4xf32, #nn.dims<"n", "">>, %y: tensor<4xf32>) -> tensor<?x4xf32, #nn.dims<"n", "">> {
  %0 = nn.add %x, %y : tensor<?x4xf32, #nn.dims<"n", "">>, tensor<4xf32> -> tensor<?x4xf32, #nn.dims<"n", "">>
  return %0 : tensor<?x4xf32, #nn.dims<"n", "">>
}

// Two sizes of which either may be 1: decided when the model runs.
// CHECK-LABEL: func.func @ambiguous
// CHECK: exec.check
// CHECK: linalg.generic
// CHECK: tensor.extract
func.func @ambiguous(%x: tensor<?xf32, #nn.dims<"n">>, %y: tensor<?xf32, #nn.dims<"m">>) -> tensor<?xf32> {
  %0 = nn.mul %x, %y : tensor<?xf32, #nn.dims<"n">>, tensor<?xf32, #nn.dims<"m">> -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// Rows of a table of 512: as many as there are, if the two broadcast at all. Nothing is read through a condition.
// CHECK-LABEL: func.func @capped
// CHECK: exec.check %{{.*}}, "sizes of the operands do not broadcast"
// CHECK-NOT: arith.select
// CHECK: linalg.generic
// CHECK-NOT: linalg.generic
func.func @capped(%x: tensor<?x4xf32, #nn.dims<"n", "">>, %y: tensor<?x4xf32, #nn.dims<"min(512, n)", "">>) -> tensor<?x4xf32, #nn.dims<"n", "">> {
  %0 = nn.add %x, %y : tensor<?x4xf32, #nn.dims<"n", "">>, tensor<?x4xf32, #nn.dims<"min(512, n)", "">> -> tensor<?x4xf32, #nn.dims<"n", "">>
  return %0 : tensor<?x4xf32, #nn.dims<"n", "">>
}

// A comparison of unsigned integers gives a boolean in an i8.
// CHECK-LABEL: func.func @less
// CHECK-SAME: tensor<3xi8>, %{{.*}}: tensor<3xi8>
// CHECK: arith.cmpi ult
// CHECK: arith.extui %{{.*}} : i1 to i8
func.func @less(%x: tensor<3xui8>, %y: tensor<3xui8>) -> tensor<3xi1> {
  %0 = nn.less %x, %y : tensor<3xui8>, tensor<3xui8> -> tensor<3xi1>
  return %0 : tensor<3xi1>
}

// CHECK-LABEL: func.func @reshape
// CHECK: tensor.expand_shape
func.func @reshape(%x: tensor<?x6xf32, #nn.dims<"n", "">>) -> tensor<?x2x3xf32, #nn.dims<"n", "", "">> {
  %s = nn.constant dense<[-1, 2, 3]> : tensor<3xi64>
  %0 = nn.reshape %x, %s : tensor<?x6xf32, #nn.dims<"n", "">>, tensor<3xi64> -> tensor<?x2x3xf32, #nn.dims<"n", "", "">>
  return %0 : tensor<?x2x3xf32, #nn.dims<"n", "", "">>
}

// CHECK-LABEL: func.func @read_shape
// CHECK: tensor.extract
// CHECK: exec.check
// CHECK: tensor.expand_shape
func.func @read_shape(%x: tensor<6xf32>, %s: tensor<2xi64>) -> tensor<?x?xf32> {
  %0 = nn.reshape %x, %s : tensor<6xf32>, tensor<2xi64> -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// Several steps are taken in f32 and rounded once.
// CHECK-LABEL: func.func @activations
// CHECK: math.erf
// CHECK: math.tanh
// CHECK: arith.extf
// CHECK: math.exp
// CHECK: arith.truncf
// CHECK: arith.cmpf ogt
// CHECK: arith.cmpf olt
func.func @activations(%x: tensor<3xf32>, %y: tensor<3xf16>) -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf16>, tensor<3xf32>) {
  %0 = nn.gelu "erf" %x : tensor<3xf32> -> tensor<3xf32>
  %1 = nn.gelu "tanh" %x : tensor<3xf32> -> tensor<3xf32>
  %2 = nn.silu %y : tensor<3xf16> -> tensor<3xf16>
  %3 = nn.hard_swish %x : tensor<3xf32> -> tensor<3xf32>
  return %0, %1, %2, %3 : tensor<3xf32>, tensor<3xf32>, tensor<3xf16>, tensor<3xf32>
}

// Powers below all normal numbers are zero.
// CHECK-LABEL: func.func @sigmoid
// CHECK-DAG: %[[LEAST:.*]] = arith.constant -8.700000e+01 : f32
// CHECK-DAG: %[[INF:.*]] = arith.constant 0xFF800000 : f32
// CHECK: %[[ABS:.*]] = math.absf
// CHECK: %[[X:.*]] = arith.negf %[[ABS]]
// CHECK: %[[SMALL:.*]] = arith.cmpf olt, %[[X]], %[[LEAST]]
// CHECK: %[[EXPONENT:.*]] = arith.select %[[SMALL]], %[[INF]], %[[X]]
// CHECK: math.exp %[[EXPONENT]]
func.func @sigmoid(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.sigmoid %x : tensor<4xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// And so are products with a sigmoid, but not others.
// CHECK-LABEL: func.func @gate
// CHECK: arith.divf
// CHECK: %[[PRODUCT:.*]] = arith.mulf
// CHECK: %[[SIZE:.*]] = math.absf %[[PRODUCT]]
// CHECK: %[[SMALL:.*]] = arith.cmpf olt, %[[SIZE]], %{{.*}}
// CHECK: arith.select %[[SMALL]], %{{.*}}, %[[PRODUCT]]
// CHECK: arith.mulf
// CHECK-NOT: arith.select
// CHECK: return
func.func @gate(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.sigmoid %x : tensor<4xf32> -> tensor<4xf32>
  %1 = nn.mul %y, %0 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %2 = nn.mul %1, %y : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  return %2 : tensor<4xf32>
}
