//===- Link.h - objects of a model into one file --------------------------------------------------------*- C++ -*-===//
///
/// \file
/// Uses lld inside the process. lld sets every cl::opt of the process to its default: a tool copies its options into a
/// struct before.
///
//===--------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_TARGET_LINK_H
#define NNCC_TARGET_LINK_H

#include "nncc/Target/Codegen.h"
#include "nncc/Target/WeightBlob.h"
#include "llvm/Support/MemoryBufferRef.h"

namespace nncc {
class OutputFiles;
}

namespace nncc::target {

/// Joins the objects of one model: one object, still without weights, whose one global symbol is `exported`. What it
/// leaves undefined must be in libc or libm.
llvm::Expected<ObjectBytes> joinObjects(llvm::ArrayRef<ObjectBytes> objects, llvm::StringRef exported,
                                        Sanitizer sanitizer = Sanitizer::None);

/// Writes a joined object with its embedded weights (none: an empty blob). The weights are streamed: no copy in memory. As one
/// of `together`, if given.
llvm::Error writeObjectFile(llvm::StringRef path, const ObjectBytes &joined, const WeightBlob &embedded,
                            OutputFiles *together = nullptr);

/// The same as a shared object that exports `exported` alone. Its name inside is the file name of `path`.
llvm::Error writeSharedObject(llvm::StringRef path, const ObjectBytes &joined, const WeightBlob &embedded,
                              OutputFiles *together = nullptr);

/// What an application links beside a model's object or shared object.
llvm::Expected<std::string> linkFlags(llvm::MemoryBufferRef object, bool usesGPU = false);

} // namespace nncc::target

#endif // NNCC_TARGET_LINK_H
