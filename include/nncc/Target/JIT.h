//===- JIT.h - a compiled model inside this process -----------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TARGET_JIT_H
#define NNCC_TARGET_JIT_H

#include "nncc/Target/Codegen.h"
#include <memory>

struct nnccrt_model;

namespace nncc::target {

/// The objects of a model, linked into this process, for the runtime library to run: this is how constants are folded. They must be
/// compiled for levels that this CPU has; results are the same on every machine when that is CPULevel::getBaseline().
class LoadedModel {
public:
  /// `objects` are what joinObjects takes; nothing of them is needed afterwards.
  static llvm::Expected<std::unique_ptr<LoadedModel>> load(llvm::ArrayRef<ObjectBytes> objects,
                                                           llvm::StringRef exported);
  LoadedModel(const LoadedModel &) = delete;
  LoadedModel &operator=(const LoadedModel &) = delete;
  ~LoadedModel();

  /// Valid as long as this object. Its weights are not there: the runtime takes them from memory.
  const nnccrt_model &getDescriptor() const { return *descriptor; }

private:
  struct Linked;
  LoadedModel(std::unique_ptr<Linked> linked, const nnccrt_model *descriptor);

  std::unique_ptr<Linked> linked;
  const nnccrt_model *descriptor;
};

} // namespace nncc::target

#endif // NNCC_TARGET_JIT_H
