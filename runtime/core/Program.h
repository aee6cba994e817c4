//===- Program.h - a loaded model ---------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCCRT_CORE_PROGRAM_H
#define NNCCRT_CORE_PROGRAM_H

#include "Device.h"
#include "Memory.h"
#include "os.h"
#include <atomic>

struct nnccrt_program {
  const nnccrt_model *model = nullptr;
  const nnccrt_level *level = nullptr;
  nncc::rt::cuda::Device *device = nullptr; ///< null: runs on the CPU
  bool isDescription = false;               ///< loaded with NNCCRT_DESCRIBE_ONLY
  const char *weights = nullptr;
  nncc::rt::os::Mapping file;             ///< holds the weights, or nothing
  void *ownWeights = nullptr;             ///< what a callback filled, or null
  void *library = nullptr;                ///< to close at the end
  void (*closeLibrary)(void *) = nullptr; ///< a pointer, so that dlopen is linked only with nnccrt_open
  std::atomic<uint32_t> shares{1};

  nnccrt_program() = default;
  nnccrt_program(const nnccrt_program &) = delete;
  nnccrt_program &operator=(const nnccrt_program &) = delete;
  ~nnccrt_program();
};

namespace nncc::rt {

/// Refuses models of another ABI, or with values or structure that this runtime does not know.
bool checkModel(const nnccrt_model *model, Report &report);

/// Finds the weights as the options say.
bool loadWeights(nnccrt_program &program, const nnccrt_load_options &options, Report &report);

} // namespace nncc::rt

#endif // NNCCRT_CORE_PROGRAM_H
