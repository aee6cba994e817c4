//===- Passes.td - passes on nn ----------------------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_TRANSFORMS_PASSES_TD
#define NNCC_DIALECT_NN_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def InferShapes : Pass<"nn-infer-shapes", "::mlir::func::FuncOp"> {
  let summary = "Refines result types from operand types, in program order";
  let description = [{
    Rewrites make operands more precise; this carries the news to all users, to the function's results, and through control flow.

    ```mlir
    %1 = nn.relu %0 : tensor<4xf32> -> tensor<?xf32>
    ```
    becomes
    ```mlir
    %1 = nn.relu %0 : tensor<4xf32> -> tensor<4xf32>
    ```
  }];
}

def FoldShapes : Pass<"nn-fold-shapes", "::mlir::func::FuncOp"> {
  let summary = "Replaces what computes a known shape by a constant";
  let description = [{
    Exporters write dozens of Shape-Gather-Concat chains. Where all elements of a small integer tensor are known numbers, the chain
    becomes one constant and dies.

    ```mlir
    %0 = nn.shape_of %x : tensor<2x3xf32> -> tensor<2xi64>
    %1 = nn.concat %0, %c axis 0 : tensor<2xi64>, tensor<1xi64> -> tensor<3xi64>
    ```
    becomes
    ```mlir
    %1 = nn.constant dense<[2, 3, 4]> : tensor<3xi64>
    ```
  }];
}

def HoistConstants : Pass<"nn-hoist-constants", "::mlir::ModuleOp"> {
  let summary = "Moves what depends on constants alone into @weights, which is run while compiling";
  let description = [{
    Results above `max-bytes` that are larger than what they are made of (ConstantOfShape, Expand, Tile, Range) stay where they are: a
    small model must not become a huge object.

    ```mlir
    func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
      %w = nn.weight "m.onnx"[64, 24] : tensor<3x2xf32>
      %t = nn.transpose %w [1, 0] : tensor<3x2xf32> -> tensor<2x3xf32>
      %0 = nn.add %x, %t : ...
    ```
    becomes
    ```mlir
    func.func @weights() -> tensor<2x3xf32> {
      %w = nn.weight "m.onnx"[64, 24] : tensor<3x2xf32>
      %t = nn.transpose %w [1, 0] : tensor<3x2xf32> -> tensor<2x3xf32>
      return %t
    }
    func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
      %t = nn.folded 0 : tensor<2x3xf32>
      %0 = nn.add %x, %t : ...
    ```
  }];
  let options = [
    Option<"maxBytes", "max-bytes", "int64_t", "16 << 20", "size up to which a result may be larger than its operands">
  ];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

def Recognize : Pass<"nn-recognize", "::mlir::func::FuncOp"> {
  let summary = "Activations, normalisations and attention that exporters take apart are one op again";
  let description = [{
    GELU (by erf and by tanh), SiLU, HardSwish, layer and RMS normalisation, from whatever products, quotients, powers and sums they were written
    as: factors in any order, cubes as powers or products, roots as reciprocals or powers. Constants count as far as exporters write them, some
    six digits for f32. A factor and an addend behind a normalisation are its scale and bias.

    Scaled dot-product attention, from a softmax between two products of which nothing else uses a part: factors of queries, keys and scores are
    the scale; addends of the scores, and -inf that is put in their place, are masks; transposes, equal slices, broadcasts and the reshapes between
    them become indices of the operands, and of the result.

    ```mlir
    %0 = nn.div %x, %root_of_2 : tensor<4x8xf32>, tensor<f32> -> tensor<4x8xf32>
    %1 = nn.erf %0 : tensor<4x8xf32> -> tensor<4x8xf32>
    %2 = nn.add %1, %one : tensor<4x8xf32>, tensor<f32> -> tensor<4x8xf32>
    %3 = nn.mul %half, %2 : tensor<f32>, tensor<4x8xf32> -> tensor<4x8xf32>
    %4 = nn.mul %x, %3 : tensor<4x8xf32>, tensor<4x8xf32> -> tensor<4x8xf32>
    ```
    becomes
    ```mlir
    %4 = nn.gelu "erf" %x : tensor<4x8xf32> -> tensor<4x8xf32>
    ```
    and
    ```mlir
    %0 = nn.transpose %k [0, 2, 1] : tensor<2x9x4xf32> -> tensor<2x4x9xf32>
    %1 = nn.matmul %q, %0 : tensor<2x8x4xf32>, tensor<2x4x9xf32> -> tensor<2x8x9xf32>
    %2 = nn.mul %1, %half : tensor<2x8x9xf32>, tensor<f32> -> tensor<2x8x9xf32>
    %3 = nn.reduce "max" %2 axes [2] keepdims : ..                       // e^(x - max) / sum
    ..
    %7 = nn.div %5, %6 : tensor<2x8x9xf32>, tensor<2x8x1xf32> -> tensor<2x8x9xf32>
    %8 = nn.matmul %7, %v : tensor<2x8x9xf32>, tensor<2x9x5xf32> -> tensor<2x8x5xf32>
    ```
    becomes
    ```mlir
    %8 = nn.attention %q, %k, %v {indexing_maps = [affine_map<(b, m, n, d, e) -> (b, m, d)>, ..], scale = 5.000000e-01 : f64} : ..
    ```
  }];
  let options = [
    Option<"roundsScores", "rounds-scores", "bool", "false", "attention of f16 or bf16 that ONNX's own definition describes stays as it is: its scores are rounded"> ];
}

def MergeProducts : Pass<"nn-merge-products", "::mlir::func::FuncOp"> {
  let summary = "Projections of one operand that attentions read are one product";
  let description = [{
    Queries, keys and values are products of one operand with constant matrices, each perhaps with a bias. With the matrices side by side they
    are one product, whose parts are an index in the maps of the attention: nothing is sliced or copied. As many products are merged as have
    the same left operand and number of columns, stand before the first attention that reads one, and are read by attentions alone, through
    reshapes; others would need a copy of their part.

    ```mlir
    %0 = nn.matmul %x, %wk : tensor<1x9x8xf32>, tensor<8x6xf32> -> tensor<1x9x6xf32>
    %k = nn.reshape %0, %heads : tensor<1x9x6xf32>, tensor<4xi64> -> tensor<1x9x3x2xf32>
    %1 = nn.matmul %x, %wv : tensor<1x9x8xf32>, tensor<8x6xf32> -> tensor<1x9x6xf32>
    %v = nn.reshape %1, %heads : tensor<1x9x6xf32>, tensor<4xi64> -> tensor<1x9x3x2xf32>
    %2 = nn.attention %q, %k, %v {indexing_maps = [.., affine_map<(h, m, n, d, e) -> (0, n, h, d)>, affine_map<(h, m, n, d, e) -> (0, n, h, e)>, ..]} : ..
    ```
    becomes
    ```mlir
    %w = nn.concat %wk, %wv axis 1 : tensor<8x6xf32>, tensor<8x6xf32> -> tensor<8x12xf32>
    %0 = nn.matmul %x, %w : tensor<1x9x8xf32>, tensor<8x12xf32> -> tensor<1x9x12xf32>
    %kv = nn.reshape %0, %parts : tensor<1x9x12xf32>, tensor<5xi64> -> tensor<1x9x2x3x2xf32>
    %2 = nn.attention %q, %kv, %kv {indexing_maps = [.., affine_map<(h, m, n, d, e) -> (0, n, 0, h, d)>, affine_map<(h, m, n, d, e) -> (0, n, 1, h, e)>, ..]} : ..
    ```
  }];
}

def Simplify : Pass<"nn-simplify", "::mlir::func::FuncOp"> {
  let summary = "Arithmetic that has a cheaper form, and movement that moves nothing";
  let description = [{
    Quotients by powers of two, by one number a row that is never subnormal (softmax, normalisations) and by the root of 2 in an erf (GELU)
    are products with reciprocals. Nothing here costs more than a rounding.

    ```mlir
    %0 = nn.div %x, %eight : tensor<4x8xf32>, tensor<f32> -> tensor<4x8xf32>
    ```
    becomes
    ```mlir
    %0 = nn.mul %x, %eighth : tensor<4x8xf32>, tensor<f32> -> tensor<4x8xf32>
    ```
  }];
}

def IntegerArithmetic : Pass<"nn-integer-arithmetic", "::mlir::func::FuncOp"> {
  let summary = "What is quantised is computed in integers";
  let description = [{
    Exporters write a quantised product as a product of dequantised tensors, quantised afterwards. The sums are taken in i32, exactly; zero
    points become a part of the bias; data moves as integers.

    ```mlir
    %a = nn.dequantize %x, %sx : tensor<4x8xui8>, tensor<f32> -> tensor<4x8xf32>
    %b = nn.dequantize %w, %sw : tensor<8x2xi8>, tensor<f32> -> tensor<8x2xf32>
    %c = nn.matmul %a, %b : ...
    %d = nn.relu %c : ...
    %0 = nn.quantize %d, %sy to ui8 : tensor<4x2xf32>, tensor<f32> -> tensor<4x2xui8>
    ```
    becomes
    ```mlir
    %s = nn.matmul %x, %w : tensor<4x8xui8>, tensor<8x2xi8> -> tensor<4x2xi32>
    %0 = nn.requantize %s, %factor to ui8 : tensor<4x2xi32>, tensor<f32> -> tensor<4x2xui8>   // sx * sw / sy
    ```
  }];
}

def FoldIntoConv : Pass<"nn-fold-into-conv", "::mlir::func::FuncOp"> {
  let summary = "Constant factors and addends behind a convolution, and pads before it, become part of it";
  let description = [{
    That is how a batch normalisation behind a convolution costs nothing. The convolution has no other user; zeros that are padded before a
    mean (nn.pool) fold likewise.

    ```mlir
    %p = nn.pad %x, %pads "constant" : tensor<1x3x8x8xf32>, tensor<8xi64> -> tensor<1x3x10x10xf32>
    %c = nn.conv %p, %f {.., pads = [0, 0, 0, 0]} : ...
    %m = nn.mul %c, %scale : tensor<1x4x8x8xf32>, tensor<4x1x1xf32> -> tensor<1x4x8x8xf32>
    %0 = nn.add %m, %offset : tensor<1x4x8x8xf32>, tensor<4x1x1xf32> -> tensor<1x4x8x8xf32>
    ```
    becomes
    ```mlir
    %g = nn.mul %f, %scale_of_filter : tensor<4x3x3x3xf32>, tensor<4x1x1x1xf32> -> tensor<4x3x3x3xf32>
    %0 = nn.conv %x, %g bias %offset_of_channel : tensor<4xf32> {.., pads = [1, 1, 1, 1]} : ...
    ```
  }];
}

def ChannelsLast : Pass<"nn-channels-last", "::mlir::func::FuncOp"> {
  let summary = "Convolutions and windows work on channels-last data, decided once for the whole graph";
  let description = [{
    Each op that has a channels-last form takes it, between two transposes; filters get the layout that kernels read. The transposes are
    then moved through elementwise ops and cancelled against each other.

    ```mlir
    %0 = nn.conv %x, %f {..} : tensor<1x3x8x8xf32>, tensor<4x3x1x1xf32> -> tensor<1x4x8x8xf32>
    ```
    becomes
    ```mlir
    %a = nn.transpose %x [0, 2, 3, 1] : tensor<1x3x8x8xf32> -> tensor<1x8x8x3xf32>
    %b = nn.transpose %f [2, 3, 1, 0] ..
    %c = nn.conv %a, %b {.., channels_last} : tensor<1x8x8x3xf32>, tensor<1x1x1x3x4xf32> -> tensor<1x8x8x4xf32>
    %0 = nn.transpose %c [0, 3, 1, 2] : tensor<1x8x8x4xf32> -> tensor<1x4x8x8xf32>
    ```
  }];
  let options = [
    Option<"propagate", "propagate", "bool", "true", "move and cancel transposes; false: only what kernels need"> ];
}

#endif // NNCC_DIALECT_NN_TRANSFORMS_PASSES_TD
