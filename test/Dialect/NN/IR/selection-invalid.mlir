// RUN: nncc-opt %s --split-input-file --verify-diagnostics

func.func @k_too_large(%x: tensor<4xf32>) {
  %k = nn.constant dense<5> : tensor<1xi64>
  // expected-error@+2 {{k is 5, the axis has 4 elements (C1)}}
  // expected-error@+1 {{failed to infer returned types}}
  %v, %i = nn.top_k %x, %k axis 0 : tensor<4xf32>, tensor<1xi64> -> tensor<?xf32>, tensor<?xi64>
  return
}

// -----

func.func @k_of_two_elements(%x: tensor<4xf32>, %k: tensor<2xi64>) {
  // expected-error@+2 {{needs a k of one element, got 'tensor<2xi64>'}}
  // expected-error@+1 {{failed to infer returned types}}
  %v, %i = nn.top_k %x, %k axis 0 : tensor<4xf32>, tensor<2xi64> -> tensor<?xf32>, tensor<?xi64>
  return
}

// -----

func.func @boxes_of_two_dims(%b: tensor<2x4xf32>, %s: tensor<2x3x40xf32>, %m: tensor<i64>, %t: tensor<1xf32>) {
  // expected-error@+2 {{needs boxes and scores of three dims, got 'tensor<2x4xf32>' and 'tensor<2x3x40xf32>'}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.non_max_suppression %b, %s max %m iou %t : tensor<2x4xf32>, tensor<2x3x40xf32>, tensor<i64>, tensor<1xf32> -> tensor<?x3xi64>
  return
}

// -----

func.func @boxes_of_f64(%b: tensor<2x40x4xf64>, %s: tensor<2x3x40xf32>, %m: tensor<i64>, %t: tensor<1xf32>) {
  // expected-error@+2 {{needs boxes and scores of f32, got 'tensor<2x40x4xf64>' and 'tensor<2x3x40xf32>'}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.non_max_suppression %b, %s max %m iou %t : tensor<2x40x4xf64>, tensor<2x3x40xf32>, tensor<i64>, tensor<1xf32> -> tensor<?x3xi64>
  return
}

// -----

func.func @more_boxes_than_scores(%b: tensor<2x41x4xf32>, %s: tensor<2x3x40xf32>, %m: tensor<i64>, %t: tensor<1xf32>) {
  // expected-error@+2 {{boxes 'tensor<2x41x4xf32>' do not fit scores 'tensor<2x3x40xf32>'}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.non_max_suppression %b, %s max %m iou %t : tensor<2x41x4xf32>, tensor<2x3x40xf32>, tensor<i64>, tensor<1xf32> -> tensor<?x3xi64>
  return
}
