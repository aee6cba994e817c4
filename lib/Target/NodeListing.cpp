//===- NodeListing.cpp - the nodes of a model as lines of a text --------------------------------------------------===//

#include "nncc/Target/NodeListing.h"
#include "nncc/Target/ModelDescription.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace nncc::target {

NodeListing::NodeListing(StringRef path, const std::vector<KernelDescription> &kernels)
    : fileName(sys::path::filename(path).str()) {
  unsigned line = 0;
  for (const KernelDescription &kernel : kernels)
    for (const std::string &node : kernel.nodes) {
      if (!lines.try_emplace(node, line + 1).second)
        continue;
      ++line;
      for (char c : node)
        text += c == '\n' || c == '\r' ? ' ' : c;
      text += '\n';
    }
}

} // namespace nncc::target
