//===- ScheduleInterpreter.h - runs a schedule on tensors and on memrefs ----------------------------------------*- C++ -*-===//
///
/// \file
/// For tests of PlanMemory. A kernel stands for any function: an element of its result is a hash of the kernel's name and of all elements
/// of all arguments, but only of the same element of an argument that it may overwrite. On memrefs an element is written before the
/// next one reads, so that buffers which overlap where they must not give another result.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_TEST_UNIT_EXEC_SCHEDULEINTERPRETER_H
#define NNCC_TEST_UNIT_EXEC_SCHEDULEINTERPRETER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace nncc::exec {

/// A tensor of i64, or any scalar as one element.
struct Data {
  std::vector<int64_t> shape;
  std::vector<int64_t> elements;
  bool operator==(const Data &other) const { return shape == other.shape && elements == other.elements; }
};

struct RunInput {
  std::vector<Data> arguments;
  std::map<std::string, int64_t> symbols;
};

/// The results of @main, on tensors or, when the memory is planned, on memrefs. `problem` says what the schedule did wrong.
std::vector<Data> interpret(mlir::ModuleOp module, const RunInput &input, std::string &problem);

} // namespace nncc::exec

#endif // NNCC_TEST_UNIT_EXEC_SCHEDULEINTERPRETER_H
