// RUN: nncc-opt %s --pass-pipeline='builtin.module(func.func(nn-fold-shapes))' | FileCheck %s

// CHECK-LABEL: func.func @chain
// CHECK-NEXT: %[[S:.*]] = nn.constant dense<[4, 3, 5]> : tensor<3xi64>
// CHECK-NEXT: return %[[S]]
func.func @chain(%x: tensor<2x3xf32>) -> tensor<3xi64> {
  %c = nn.constant dense<[5]> : tensor<1xi64>
  %two = nn.constant dense<[2, 1, 1]> : tensor<3xi64>
  %0 = nn.shape_of %x : tensor<2x3xf32> -> tensor<2xi64>
  %1 = nn.concat %0, %c axis 0 : tensor<2xi64>, tensor<1xi64> -> tensor<3xi64>
  %2 = nn.mul %1, %two : tensor<3xi64>, tensor<3xi64> -> tensor<3xi64>
  return %2 : tensor<3xi64>
}

// A size known only as a symbol is no number.
// CHECK-LABEL: func.func @symbolic
// CHECK: nn.shape_of
func.func @symbolic(%x: tensor<?xf32, #nn.dims<"n">>) -> tensor<1xi64> {
  %0 = nn.shape_of %x : tensor<?xf32, #nn.dims<"n">> -> tensor<1xi64>
  return %0 : tensor<1xi64>
}

// A cast to i1 tells 0 from the rest; what does not fit is not known.
// CHECK-LABEL: func.func @casts
// CHECK-DAG: %[[YES:.*]] = nn.constant dense<true> : tensor<1xi1>
// CHECK-DAG: %[[NO:.*]] = nn.constant dense<false> : tensor<1xi1>
// CHECK-DAG: %[[CAST:.*]] = nn.cast {{.*}} -> tensor<1xi8>
// CHECK: return %[[YES]], %[[NO]], %[[CAST]]
func.func @casts(%x: tensor<2x300xf32>) -> (tensor<1xi1>, tensor<1xi1>, tensor<1xi8>) {
  %zero = nn.constant dense<0> : tensor<1xi64>
  %one = nn.constant dense<1> : tensor<1xi64>
  %shape = nn.shape_of %x : tensor<2x300xf32> -> tensor<2xi64>
  %two = nn.gather %shape, %zero axis 0 : tensor<2xi64>, tensor<1xi64> -> tensor<1xi64>
  %many = nn.gather %shape, %one axis 0 : tensor<2xi64>, tensor<1xi64> -> tensor<1xi64>
  %0 = nn.cast %two {to = i1} : tensor<1xi64> -> tensor<1xi1>
  %1 = nn.not %0 : tensor<1xi1> -> tensor<1xi1>
  %2 = nn.cast %many {to = i8} : tensor<1xi64> -> tensor<1xi8>
  return %0, %1, %2 : tensor<1xi1>, tensor<1xi1>, tensor<1xi8>
}

// A size that follows from a scale, as detectors compute it: in f32.
// CHECK-LABEL: func.func @scaled
// CHECK-NEXT: %[[S:.*]] = nn.constant dense<[213, 320]> : tensor<2xi64>
// CHECK-NEXT: return %[[S]]
func.func @scaled(%x: tensor<200x300xf32>) -> tensor<2xi64> {
  %target = nn.constant dense<3.200000e+02> : tensor<f32>
  %half = nn.constant dense<5.000000e-01> : tensor<f32>
  %shape = nn.shape_of %x : tensor<200x300xf32> -> tensor<2xi64>
  %longest = nn.reduce "max" %shape axes [0] : tensor<2xi64> -> tensor<i64>
  %0 = nn.cast %longest {to = f32} : tensor<i64> -> tensor<f32>
  %1 = nn.reciprocal %0 : tensor<f32> -> tensor<f32>
  %scale = nn.mul %1, %target : tensor<f32>, tensor<f32> -> tensor<f32>
  %2 = nn.cast %shape {to = f32} : tensor<2xi64> -> tensor<2xf32>
  %3 = nn.mul %2, %scale : tensor<2xf32>, tensor<f32> -> tensor<2xf32>
  %4 = nn.add %3, %half : tensor<2xf32>, tensor<f32> -> tensor<2xf32>
  %5 = nn.floor %4 : tensor<2xf32> -> tensor<2xf32>
  %6 = nn.ceil %5 : tensor<2xf32> -> tensor<2xf32>
  %7 = nn.cast %6 {to = i64} : tensor<2xf32> -> tensor<2xi64>
  %8 = nn.max %7, %7 : tensor<2xi64>, tensor<2xi64> -> tensor<2xi64>
  %9 = nn.cast %8 {to = f32} : tensor<2xi64> -> tensor<2xf32>
  %10 = nn.cast %9 {to = i64} : tensor<2xf32> -> tensor<2xi64>
  return %10 : tensor<2xi64>
}

// Amounts of padding, as PyTorch's exporter turns them around: pairs from the last axis on become all starts, then all ends.
// CHECK-LABEL: func.func @pads
// CHECK-NEXT: %[[P:.*]] = nn.constant dense<[0, 3, 1, 0, 4, 2]> : tensor<6xi64>
// CHECK-NEXT: return %[[P]]
func.func @pads(%x: tensor<3xf32>) -> tensor<6xi64> {
  %pairs = nn.constant dense<[1, 2]> : tensor<2xi64>
  %more = nn.constant dense<[0, 0]> : tensor<2xi64>
  %shape = nn.shape_of %x : tensor<3xf32> -> tensor<1xi64>
  %one = nn.constant dense<1> : tensor<1xi64>
  %minus = nn.constant dense<-1> : tensor<1xi64>
  %last = nn.constant dense<-9223372036854775807> : tensor<1xi64>
  %matrix = nn.constant dense<[-1, 2]> : tensor<2xi64>
  %four = nn.add %shape, %one : tensor<1xi64>, tensor<1xi64> -> tensor<1xi64>
  %0 = nn.concat %pairs, %shape, %four, %more axis 0 : tensor<2xi64>, tensor<1xi64>, tensor<1xi64>, tensor<2xi64> -> tensor<6xi64>
  %1 = nn.reshape %0, %matrix : tensor<6xi64>, tensor<2xi64> -> tensor<3x2xi64>
  %2 = nn.slice %1, %minus, %last, %minus axes [0] : tensor<3x2xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64> -> tensor<3x2xi64>
  %3 = nn.transpose %2 [1, 0] : tensor<3x2xi64> -> tensor<2x3xi64>
  %4 = nn.reshape %3, %minus : tensor<2x3xi64>, tensor<1xi64> -> tensor<6xi64>
  return %4 : tensor<6xi64>
}

// Not finite, or of too many: not known.
// CHECK-LABEL: func.func @beyond
// CHECK-DAG: %[[INF:.*]] = nn.cast {{.*}} -> tensor<1xi64>
// CHECK-DAG: %[[SMALL:.*]] = nn.cast {{.*}} -> tensor<1xi8>
// CHECK: return %[[INF]], %[[SMALL]]
func.func @beyond() -> (tensor<1xi64>, tensor<1xi8>) {
  %zero = nn.constant dense<0.0> : tensor<1xf32>
  %many = nn.constant dense<300.0> : tensor<1xf32>
  %0 = nn.reciprocal %zero : tensor<1xf32> -> tensor<1xf32>
  %1 = nn.cast %0 {to = i64} : tensor<1xf32> -> tensor<1xi64>
  %2 = nn.cast %many {to = i8} : tensor<1xf32> -> tensor<1xi8>
  return %1, %2 : tensor<1xi64>, tensor<1xi8>
}

// Remainders, and truth values of which one decides.
// CHECK-LABEL: func.func @groups_of_heads
// CHECK: nn.constant dense<4> : tensor<1xi64>
// CHECK-NEXT: return
func.func @groups_of_heads(%unknown: tensor<1xi1>) -> tensor<1xi64> {
  %q = nn.constant dense<12> : tensor<1xi64>
  %k = nn.constant dense<3> : tensor<1xi64>
  %zero = nn.constant dense<0> : tensor<1xi64>
  %one = nn.constant dense<1> : tensor<1xi64>
  %r = nn.mod %q, %k : tensor<1xi64>, tensor<1xi64> -> tensor<1xi64>
  %divides = nn.equal %r, %zero : tensor<1xi64>, tensor<1xi64> -> tensor<1xi1>
  %either = nn.or %unknown, %divides : tensor<1xi1>, tensor<1xi1> -> tensor<1xi1>
  %differs = nn.not %divides : tensor<1xi1> -> tensor<1xi1>
  %both = nn.and %unknown, %differs : tensor<1xi1>, tensor<1xi1> -> tensor<1xi1>
  %0 = nn.div %q, %k : tensor<1xi64>, tensor<1xi64> -> tensor<1xi64>
  %1 = nn.where %either, %0, %one : tensor<1xi1>, tensor<1xi64>, tensor<1xi64> -> tensor<1xi64>
  %2 = nn.where %both, %one, %1 : tensor<1xi1>, tensor<1xi64>, tensor<1xi64> -> tensor<1xi64>
  return %2 : tensor<1xi64>
}
