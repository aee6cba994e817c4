// RUN: nncc-opt %s -split-input-file -verify-diagnostics | nncc-opt -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK: nn.if %{{.*}} : tensor<i1> -> tensor<?xf32> {
// CHECK:   nn.yield %{{.*}} : tensor<4xf32>
// CHECK: } else {
// CHECK:   nn.yield %{{.*}} : tensor<2xf32>
// CHECK: nn.loop trips %{{.*}} : tensor<i64> while %{{.*}} : tensor<i1> carries %{{.*}} : tensor<4xf32> -> tensor<4xf32>, tensor<?x4xf32> {
// CHECK: ^bb0(%{{.*}}: tensor<i64>, %{{.*}}: tensor<4xf32>):
// CHECK: nn.loop while %{{.*}} : tensor<i1> -> tensor<?xi64> {
func.func @main(%c: tensor<i1>, %n: tensor<i64>, %x: tensor<4xf32>, %y: tensor<2xf32>) -> (tensor<?xf32>, tensor<4xf32>, tensor<?x4xf32>, tensor<?xi64>) {
  %0 = nn.if %c : tensor<i1> -> tensor<?xf32> {
    nn.yield %x : tensor<4xf32>
  } else {
    nn.yield %y : tensor<2xf32>
  }
  %1:2 = nn.loop trips %n : tensor<i64> while %c : tensor<i1> carries %x : tensor<4xf32> -> tensor<4xf32>, tensor<?x4xf32> {
  ^bb0(%i: tensor<i64>, %v: tensor<4xf32>):
    nn.yield %c, %v, %x : tensor<i1>, tensor<4xf32>, tensor<4xf32>
  }
  %2 = nn.loop while %c : tensor<i1> -> tensor<?xi64> {
  ^bb0(%i: tensor<i64>):
    nn.yield %c, %i : tensor<i1>, tensor<i64>
  }
  return %0, %1#0, %1#1, %2 : tensor<?xf32>, tensor<4xf32>, tensor<?x4xf32>, tensor<?xi64>
}

// -----

func.func @main(%c: tensor<i1>, %x: tensor<4xf32>, %y: tensor<2xi64>) -> tensor<?xf32> {
  // expected-error @+1 {{has branches that yield 'tensor<4xf32>' and 'tensor<2xi64>' for one result}}
  %0 = nn.if %c : tensor<i1> -> tensor<?xf32> {
    nn.yield %x : tensor<4xf32>
  } else {
    nn.yield %y : tensor<2xi64>
  }
  return %0 : tensor<?xf32>
}

// -----

func.func @main(%c: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{has 1 results, but its branches yield 1 and 0}}
  %0 = nn.if %c : tensor<i1> -> tensor<4xf32> {
    nn.yield %x : tensor<4xf32>
  } else {
    nn.yield
  }
  return %0 : tensor<4xf32>
}

// -----

func.func @main(%c: tensor<2xi1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{has a condition of more or less than one element: 'tensor<2xi1>'}}
  %0 = nn.if %c : tensor<2xi1> -> tensor<4xf32> {
    nn.yield %x : tensor<4xf32>
  } else {
    nn.yield %x : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

func.func @main(%c: tensor<i1>, %x: tensor<4xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{has the result 'tensor<2xf32>' at #0, which is to be 'tensor<4xf32>'}}
  %0 = nn.if %c : tensor<i1> -> tensor<2xf32> {
    nn.yield %x : tensor<4xf32>
  } else {
    nn.yield %x : tensor<4xf32>
  }
  return %0 : tensor<2xf32>
}

// -----

func.func @main(%c: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{carries 1 values and has 1 results, but its body takes 1 values and yields 2}}
  %0 = nn.loop while %c : tensor<i1> carries %x : tensor<4xf32> -> tensor<4xf32> {
  ^bb0(%i: tensor<i64>):
    nn.yield %c, %x : tensor<i1>, tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

func.func @main(%c: tensor<i1>, %x: tensor<4xf32>, %y: tensor<2xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{carries 'tensor<4xf32>', which cannot become 'tensor<2xf32>'}}
  %0 = nn.loop while %c : tensor<i1> carries %x : tensor<4xf32> -> tensor<4xf32> {
  ^bb0(%i: tensor<i64>, %v: tensor<4xf32>):
    nn.yield %c, %y : tensor<i1>, tensor<2xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

func.func @main(%c: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{has a body that yields no condition, but 'tensor<4xf32>'}}
  %0 = nn.loop while %c : tensor<i1> carries %x : tensor<4xf32> -> tensor<4xf32> {
  ^bb0(%i: tensor<i64>, %v: tensor<4xf32>):
    nn.yield %x, %v : tensor<4xf32>, tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

func.func @main(%c: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{has a body that counts in 'tensor<f32>'}}
  %0 = nn.loop while %c : tensor<i1> carries %x : tensor<4xf32> -> tensor<4xf32> {
  ^bb0(%i: tensor<f32>, %v: tensor<4xf32>):
    nn.yield %c, %v : tensor<i1>, tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}
