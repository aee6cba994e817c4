//===- AttentionCase.cpp - attentions, and what they mean -----------------------------------------------------------===//

#include "AttentionCase.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>
#include <limits>
#include <random>

using llvm::formatv;

namespace nncc::cpu {

std::string Attention::text() const {
  auto tensor = [&](const std::string &row, int64_t count, int64_t length) {
    std::string heads = std::to_string(count);
    return formatv("{0}x{1}x{2}x{3}x{4}", batch, isHeadMajor ? heads : row, isHeadMajor ? row : heads, length, element)
        .str();
  };
  std::string order = isHeadMajor ? "(b, {1}, {0}, {2})" : "(b, {0}, {1}, {2})", dims = "(b, h, m, n, d, e) -> ";
  auto map = [&](const std::string &row, const std::string &head, const std::string &last) {
    return "affine_map<" + dims + formatv(order.c_str(), row, head, last).str() + ">";
  };
  std::string head = shared == 1 ? "h" : formatv("h floordiv {0}", shared).str();
  std::string maps = map("m", "h", "d") + ", " + map("n", head, "d") + ", " + map("n", head, "e");
  std::string query = tensor("M", heads, depth), key = tensor("N", sources(), depth),
              value = tensor("N", sources(), columns), result = tensor("M", heads, columns);
  std::string arguments = formatv("%q: tensor<{0}>, %k: tensor<{1}>, %v: tensor<{2}>", query, key, value);
  std::string names = "%q, %k, %v", masks, types;
  if (isJoint) {
    query = key = value = formatv("{0}xMx3x{1}x{2}x{3}", batch, heads, depth, element);
    arguments = formatv("%q: tensor<{0}>", query);
    names = "%q, %q, %q";
    auto part = [&](char row, char last, int number) {
      return formatv("affine_map<{0}(b, {1}, {2}, h, {3})>", dims, row, number, last).str();
    };
    maps = part('m', 'd', 0) + ", " + part('n', 'd', 1) + ", " + part('n', 'e', 2);
  }
  auto addMask = [&](const std::string &name, const std::string &type, const std::string &indices) {
    masks += (masks.empty() ? "" : ", ") + name;
    types += (types.empty() ? "tensor<" : ", tensor<") + type + ">";
    arguments += ", " + name + ": tensor<" + type + ">";
    maps += ", affine_map<" + dims + indices + ">";
  };
  if (hasKeyMask)
    addMask("%s", formatv("{0}x1x1xNx{1}", batch, element), "(b, 0, 0, n)");
  if (hasRowMask)
    addMask("%t", "MxNx" + element, "(m, n)");
  if (!masks.empty())
    masks = " masks(" + masks + " : " + types + ")";
  return formatv(R"(
exec.kernel @k({0}, %M: index, %N: index) -> tensor<{1}> {{
  %e = empty<{1}>
  %0 = exec.attention {2}{3} outs(%e) {{indexing_maps = [{4}, {5}], scale = {6:F6} : f64{7}}
    : tensor<{8}>, tensor<{9}>, tensor<{10}>, tensor<{1}> -> tensor<{1}>
  exec.yield %0 : tensor<{1}>
})",
                 arguments, result, names, masks, maps, map("m", "h", "e"), scale, nanAsZero ? ", nan_as_zero" : "",
                 query, key, value);
}

Numbers computeReference(const Attention &test, const std::vector<Numbers> &operands) {
  Numbers result(test.batch * test.rows * test.heads * test.columns);
  const Numbers &query = operands[0], &key = operands[test.isJoint ? 0 : 1], &value = operands[test.isJoint ? 0 : 2];
  size_t firstMask = test.isJoint ? 1 : 3;
  for (int64_t b = 0; b < test.batch; ++b)
    for (int64_t h = 0; h < test.heads; ++h)
      for (int64_t m = 0; m < test.rows; ++m) {
        int64_t source = h / test.shared;
        auto rowOf = [&](int64_t n, int64_t length, int64_t part) {
          return test.at(b, n, source, length, test.keys, test.sources(), part);
        };
        std::vector<double> scores(test.keys);
        double most = -std::numeric_limits<double>::infinity(), total = 0;
        for (int64_t n = 0; n < test.keys; ++n) {
          for (int64_t d = 0; d < test.depth; ++d)
            scores[n] += double(query[test.at(b, m, h, test.depth, test.rows, test.heads, 0) + d]) *
                         double(key[rowOf(n, test.depth, 1) + d]);
          scores[n] *= test.scale;
          if (test.hasKeyMask)
            scores[n] += operands[firstMask][b * test.keys + n];
          if (test.hasRowMask)
            scores[n] += operands[firstMask + test.hasKeyMask][m * test.keys + n];
          most = std::max(most, scores[n]);
        }
        for (double &score : scores)
          total += score = std::exp(score - most);
        for (int64_t e = 0; e < test.columns; ++e) {
          double sum = 0;
          for (int64_t n = 0; n < test.keys; ++n) {
            double weight = scores[n] / total;
            sum += (std::isnan(weight) && test.nanAsZero ? 0 : weight) * double(value[rowOf(n, test.columns, 2) + e]);
          }
          // The result has no parts.
          int64_t row = test.isHeadMajor ? (b * test.heads + h) * test.rows + m : (b * test.rows + m) * test.heads + h;
          result[row * test.columns + e] = float(sum);
        }
      }
  return result;
}

std::vector<Numbers> makeOperands(const Attention &test) {
  std::mt19937 random(11);
  std::uniform_real_distribution<float> numbers(-2, 2);
  std::vector<Numbers> operands;
  for (int64_t count : test.counts()) {
    operands.emplace_back(count);
    for (float &number : operands.back())
      number = numbers(random);
  }
  return operands;
}

} // namespace nncc::cpu
