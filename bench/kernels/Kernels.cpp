//===- Kernels.cpp - the kernels of known models --------------------------------------------------------------------===//

#include "Kernels.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using llvm::formatv;

namespace {

std::string tensor(const std::vector<int64_t> &dims) {
  std::string text = "tensor<";
  for (int64_t dim : dims)
    text += std::to_string(dim) + "x";
  return text + "f32>";
}

/// A product with packed weights, bias and an activation (`body`, from %s to %r).
BenchCase makeMatMul(const std::string &name, int64_t m, int64_t k, int64_t n, const std::string &body) {
  BenchCase result;
  result.name = formatv("{0} {1}x{2}x{3}", name, m, k, n);
  std::vector<int64_t> lhs{m, k}, rhs{1, int64_t(llvm::divideCeil(n, 16)), k, 16}, bias{n}, out{m, n};
  result.text = formatv(R"(
exec.kernel @k(%x: {0}, %w: {1}, %bias: {2}) -> {3} {{
  %e = tensor.empty() : {3}
  %0 = exec.matmul %x, %w outs(%e) {{packed = array<i64: {4}, {5}>} : {0}, {1}, {3} -> {3}
  %1 = linalg.generic {{indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]} ins(%0, %bias : {3}, {2}) outs(%e : {3}) {{
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = arith.addf %a, %b : f32
    {6}
    linalg.yield %r : f32
  } -> {3}
  exec.yield %1 : {3}
})",
                        tensor(lhs), tensor(rhs), tensor(bias), tensor(out), k, n, body);
  result.flops = 2.0 * m * k * n;
  result.weightBytes = 4.0 * k * n;
  result.tensors = {lhs, rhs, bias, out};
  return result;
}

const char *kIdentity = "%zero = arith.constant 0.0 : f32\n%r = arith.addf %s, %zero : f32";
const char *kRelu = "%zero = arith.constant 0.0 : f32\n%r = arith.maximumf %s, %zero : f32";
const char *kGelu = R"(%half = arith.constant 0.5 : f32
    %one = arith.constant 1.0 : f32
    %root = arith.constant 0.70710678 : f32
    %t = arith.mulf %s, %root : f32
    %erf = math.erf %t : f32
    %u = arith.addf %erf, %one : f32
    %h = arith.mulf %s, %half : f32
    %r = arith.mulf %h, %u : f32)";

/// Many products of two activations, as in attention; all sizes may be dynamic.
BenchCase makeBatched(const std::string &name, int64_t batch, int64_t m, int64_t k, int64_t n, bool isTransposed,
                      bool isDynamic) {
  BenchCase result;
  result.name = formatv("{0} {1}x{2}x{3}x{4}{5}{6}", name, batch, m, k, n, isTransposed ? " transposed" : "",
                        isDynamic ? " dynamic" : "");
  std::vector<int64_t> lhs{batch, m, k}, rhs{batch, isTransposed ? n : k, isTransposed ? k : n}, out{batch, m, n};
  std::string types[3] = {tensor(lhs), tensor(rhs), tensor(out)};
  if (isDynamic)
    for (std::string &type : types)
      type = "tensor<?x?x?xf32>";
  result.text = formatv(R"(
exec.kernel @k(%x: {0}, %w: {1}{3}) -> {2} {{
  %e = tensor.empty({4}) : {2}
  %0 = exec.matmul %x, %w outs(%e) {5} : {0}, {1}, {2} -> {2}
  exec.yield %0 : {2}
})",
                        types[0], types[1], types[2], isDynamic ? ", %b: index, %m: index, %n: index" : "",
                        isDynamic ? "%b, %m, %n" : "", isTransposed ? "{transpose_rhs}" : "");
  result.flops = 2.0 * batch * m * k * n;
  result.tensors = {lhs, rhs, out};
  result.isDynamic = isDynamic;
  for (const std::vector<int64_t> &dims : result.tensors)
    result.dynamicDims.emplace_back(dims.begin(), dims.end());
  // Scalar arguments follow the tensors that are arguments.
  result.dynamicDims[1].insert(result.dynamicDims[1].end(), {uint64_t(batch), uint64_t(m), uint64_t(n)});
  return result;
}

/// A product of u8 and s8, requantised.
BenchCase makeQuantized(const std::string &name, int64_t m, int64_t k, int64_t n) {
  BenchCase result;
  result.name = formatv("{0} {1}x{2}x{3} i8", name, m, k, n);
  result.text = formatv(R"(
exec.kernel @k(%x: tensor<{0}x{1}xi8>, %w: tensor<1x{3}x{4}x64xi8>, %bias: tensor<{2}xi32>) -> tensor<{0}x{2}xi8> {{
  %e = tensor.empty() : tensor<{0}x{2}xi32>
  %o = tensor.empty() : tensor<{0}x{2}xi8>
  %0 = exec.matmul %x, %w outs(%e) {{lhs_unsigned, packed = array<i64: {1}, {2}>}
    : tensor<{0}x{1}xi8>, tensor<1x{3}x{4}x64xi8>, tensor<{0}x{2}xi32> -> tensor<{0}x{2}xi32>
  %1 = linalg.generic {{indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%0, %bias : tensor<{0}x{2}xi32>, tensor<{2}xi32>) outs(%o : tensor<{0}x{2}xi8>) {{
  ^bb0(%a: i32, %b: i32, %c: i8):
    %s = arith.addi %a, %b : i32
    %f = arith.sitofp %s : i32 to f32
    %scale = arith.constant 0.001 : f32
    %g = arith.mulf %f, %scale : f32
    %h = math.roundeven %g : f32
    %low = arith.constant 0.0 : f32
    %high = arith.constant 255.0 : f32
    %i = arith.maximumf %h, %low : f32
    %j = arith.minimumf %i, %high : f32
    %q = arith.fptoui %j : f32 to i8
    linalg.yield %q : i8
  } -> tensor<{0}x{2}xi8>
  exec.yield %1 : tensor<{0}x{2}xi8>
})",
                        m, k, n, llvm::divideCeil(n, 16), llvm::divideCeil(k, 4));
  result.flops = 2.0 * m * k * n;
  result.weightBytes = double(k) * n;
  result.tensors = {{m, k}, {int64_t(llvm::divideCeil(n, 16)) * int64_t(llvm::divideCeil(k, 4)) * 64}, {n}, {m, n}};
  result.elementBytes = {1, 1, 4, 1};
  return result;
}

/// A square convolution with bias and an activation.
BenchCase makeConv(const std::string &name, int64_t size, int64_t inputs, int64_t outputs, int64_t kernel,
                   int64_t stride, int64_t pad, int64_t groups, const std::string &body) {
  BenchCase result;
  result.name = formatv("{0} {1}x{1}x{2} to {3}, {4}x{4} s{5}", name, size, inputs, outputs, kernel, stride);
  int64_t out = (size + 2 * pad - kernel) / stride + 1, groupInputs = inputs / groups, groupOutputs = outputs / groups;
  bool isNarrow = groups > 1 && groupOutputs < 16;
  std::vector<int64_t> input{1, size, size, inputs}, bias{outputs}, output{1, out, out, outputs};
  std::vector<int64_t> filter{groups, int64_t(llvm::divideCeil(groupOutputs, 16)), kernel * kernel * groupInputs, 16};
  if (isNarrow)
    filter = {1, int64_t(llvm::divideCeil(outputs, 16)), kernel * kernel * groupInputs, 16};
  result.text = formatv(R"(
exec.kernel @k(%x: {0}, %w: {1}, %bias: {2}) -> {3} {{
  %e = tensor.empty() : {3}
  %0 = exec.conv %x, %w bias(%bias : {2}) outs(%e) {{strides = array<i64: {4}, {4}>, dilations = array<i64: 1, 1>,
    pads = array<i64: {5}, {5}, {5}, {5}>, groups = {6} : i64, packed = array<i64: {6}, {7}, {7}, {8}, {9}>} : {0}, {1}, {3} -> {3}
  %1 = linalg.generic {{indexing_maps = [affine_map<(n, h, w, c) -> (n, h, w, c)>, affine_map<(n, h, w, c) -> (n, h, w, c)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%0 : {3}) outs(%e : {3}) {{
  ^bb0(%s: f32, %c: f32):
    {10}
    linalg.yield %r : f32
  } -> {3}
  exec.yield %1 : {3}
})",
                        tensor(input), tensor(filter), tensor(bias), tensor(output), stride, pad, groups, kernel,
                        groupInputs, groupOutputs, body);
  result.flops = 2.0 * out * out * outputs * kernel * kernel * groupInputs;
  result.weightBytes = 4.0 * outputs * kernel * kernel * groupInputs;
  result.tensors = {input, filter, bias, output};
  return result;
}

} // namespace

std::vector<BenchCase> makeBenchCases() {
  std::vector<BenchCase> cases;
  for (int64_t m : {128, 197, 384})
    cases.push_back(makeMatMul("bert.qkv", m, 768, 2304, kIdentity));
  cases.push_back(makeMatMul("bert.proj", 128, 768, 768, kIdentity));
  cases.push_back(makeMatMul("bert.ffn1", 128, 768, 3072, kGelu));
  cases.push_back(makeMatMul("bert.ffn2", 128, 3072, 768, kIdentity));
  for (int64_t m : {1, 128})
    cases.push_back(makeQuantized("bert.ffn1", m, 768, 3072));
  for (bool isDynamic : {false, true})
    for (bool isTransposed : {false, true}) {
      cases.push_back(makeBatched("attention", 12, 128, 64, 128, isTransposed, isDynamic));
      cases.push_back(makeBatched("attention", 12, 512, 64, 512, isTransposed, isDynamic));
      cases.push_back(makeBatched("attention", 12, 128, 128, 64, isTransposed, isDynamic));
      cases.push_back(makeBatched("attention.decode", 12, 1, 64, 256, isTransposed, isDynamic));
      cases.push_back(makeBatched("attention.decode", 12, 1, 256, 64, isTransposed, isDynamic));
      cases.push_back(makeBatched("matmul", 1, 197, 768, 768, isTransposed, isDynamic));
    }
  cases.push_back(makeMatMul("square", 1024, 1024, 1024, kIdentity));
  cases.push_back(makeMatMul("gpt2.qkv.decode", 1, 768, 2304, kIdentity));
  cases.push_back(makeMatMul("gpt2.ffn2.decode", 1, 3072, 768, kIdentity));
  cases.push_back(makeMatMul("gpt2.head.decode", 1, 768, 50257, kIdentity));
  cases.push_back(makeMatMul("resnet.fc", 1, 2048, 1000, kIdentity));
  cases.push_back(makeMatMul("batch8.fc", 8, 2048, 1000, kIdentity));
  // 1x1 convolutions are products.
  cases.push_back(makeMatMul("resnet.1x1", 3136, 64, 256, kRelu));
  cases.push_back(makeMatMul("resnet.1x1", 3136, 256, 64, kRelu));
  cases.push_back(makeMatMul("resnet.1x1", 784, 512, 128, kRelu));
  cases.push_back(makeMatMul("resnet.1x1", 196, 256, 1024, kRelu));
  cases.push_back(makeMatMul("resnet.1x1", 49, 2048, 512, kRelu));
  cases.push_back(makeMatMul("resnet.1x1", 49, 512, 2048, kRelu));
  cases.push_back(makeMatMul("mobilenet.1x1", 12544, 16, 96, kRelu));
  cases.push_back(makeMatMul("mobilenet.1x1", 784, 144, 32, kRelu));
  cases.push_back(makeMatMul("mobilenet.1x1", 49, 320, 1280, kRelu));
  cases.push_back(makeConv("resnet", 224, 3, 64, 7, 2, 3, 1, kRelu));
  cases.push_back(makeConv("resnet", 56, 64, 64, 3, 1, 1, 1, kRelu));
  cases.push_back(makeConv("resnet", 56, 128, 128, 3, 2, 1, 1, kRelu));
  cases.push_back(makeConv("resnet", 28, 128, 128, 3, 1, 1, 1, kRelu));
  cases.push_back(makeConv("resnet", 28, 256, 256, 3, 2, 1, 1, kRelu));
  cases.push_back(makeConv("resnet", 14, 256, 256, 3, 1, 1, 1, kRelu));
  cases.push_back(makeConv("resnet", 14, 512, 512, 3, 2, 1, 1, kRelu));
  cases.push_back(makeConv("resnet", 7, 512, 512, 3, 1, 1, 1, kRelu));
  cases.push_back(makeConv("resnet", 56, 256, 512, 1, 2, 0, 1, kRelu));
  cases.push_back(makeConv("resnet", 14, 1024, 2048, 1, 2, 0, 1, kRelu));
  cases.push_back(makeConv("resnext", 56, 128, 128, 3, 1, 1, 32, kRelu));
  cases.push_back(makeConv("mobilenet", 224, 3, 32, 3, 2, 1, 1, kRelu));
  cases.push_back(makeConv("mobilenet.dw", 112, 32, 32, 3, 1, 1, 32, kRelu));
  cases.push_back(makeConv("mobilenet.dw", 112, 96, 96, 3, 2, 1, 96, kRelu));
  cases.push_back(makeConv("mobilenet.dw", 56, 144, 144, 3, 1, 1, 144, kRelu));
  cases.push_back(makeConv("mobilenet.dw", 28, 192, 192, 3, 1, 1, 192, kRelu));
  cases.push_back(makeConv("mobilenet.dw", 14, 384, 384, 3, 1, 1, 384, kRelu));
  cases.push_back(makeConv("mobilenet.dw", 7, 960, 960, 3, 1, 1, 960, kRelu));
  return cases;
}
