//===- AttentionCase.h - attentions, and what they mean ---------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TEST_UNIT_CPU_ATTENTIONCASE_H
#define NNCC_TEST_UNIT_CPU_ATTENTIONCASE_H

#include <cstdint>
#include <string>
#include <vector>

namespace nncc::cpu {

using Numbers = std::vector<float>;

/// An attention of f32, or of `element`.
struct Attention {
  int64_t rows, keys, depth, columns;
  int64_t batch = 1, heads = 1;
  /// Heads that share keys and values.
  int64_t shared = 1;
  /// Heads stand before the rows, not behind them.
  bool isHeadMajor = false;
  /// Masks: of each key of the batch, of each row and key.
  bool hasKeyMask = false, hasRowMask = false;
  bool nanAsZero = false;
  /// Queries, keys and values are thirds of one tensor.
  bool isJoint = false;
  double scale = 0.125;
  std::string element = "f32";

  int64_t sources() const { return heads / shared; }
  /// An exec.kernel whose letters M and N are sizes.
  std::string text() const;
  /// The elements of query, key, value and the masks.
  std::vector<int64_t> counts() const {
    std::vector<int64_t> counts{batch * rows * heads * depth, batch * keys * sources() * depth,
                                batch * keys * sources() * columns};
    if (isJoint)
      counts = {batch * rows * 3 * heads * depth};
    if (hasKeyMask)
      counts.push_back(batch * keys);
    if (hasRowMask)
      counts.push_back(rows * keys);
    return counts;
  }
  /// Where the elements of a row (of a key) and a head begin in a tensor whose rows are `length`; `part` of a joint one.
  int64_t at(int64_t image, int64_t row, int64_t head, int64_t length, int64_t numRows, int64_t numHeads,
             int64_t part) const {
    if (isJoint)
      return (((image * numRows + row) * 3 + part) * numHeads + head) * length;
    return (isHeadMajor ? (image * numHeads + head) * numRows + row : (image * numRows + row) * numHeads + head) *
           length;
  }
};

/// What it means, in f64.
Numbers computeReference(const Attention &test, const std::vector<Numbers> &operands);

/// Queries, keys, values, masks.
std::vector<Numbers> makeOperands(const Attention &test);

} // namespace nncc::cpu

#endif // NNCC_TEST_UNIT_CPU_ATTENTIONCASE_H
