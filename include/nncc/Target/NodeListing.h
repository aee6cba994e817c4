//===- NodeListing.h - the nodes of a model as lines of a text ------------------------------------------*- C++ -*-===//

#ifndef NNCC_TARGET_NODELISTING_H
#define NNCC_TARGET_NODELISTING_H

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace nncc::target {

struct KernelDescription;

/// What a debugger or profiler shows where it would show source: a text with one ONNX node a line, kernel by kernel. Debug information
/// refers to it by its file name alone, so that it does not depend on folders.
class NodeListing {
public:
  /// `path`: where the text will be.
  NodeListing(llvm::StringRef path, const std::vector<KernelDescription> &kernels);

  const std::string &getFileName() const { return fileName; }
  const std::string &getText() const { return text; }
  /// Counted from 1; 0: no kernel has this node.
  unsigned getLine(llvm::StringRef node) const { return lines.lookup(node); }

private:
  std::string fileName, text;
  llvm::StringMap<unsigned> lines;
};

} // namespace nncc::target

#endif // NNCC_TARGET_NODELISTING_H
