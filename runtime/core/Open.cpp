//===- Open.cpp - loading a model from a shared library ---------------------------------------------------------===//

#include "Program.h"

using namespace nncc::rt;

nnccrt_code nnccrt_open(const char *path, const char *name, const nnccrt_load_options *options, nnccrt_program **result,
                        nnccrt_status *status) {
  Report report(status);
  if (result)
    *result = nullptr;
  if (!path || !result) {
    report.fail(NNCCRT_INVALID, "%s is a null pointer", path ? "the place for the program" : "the path");
    return report.code();
  }
  void *library = os::openLibrary(path, report);
  if (!library)
    return report.code();
  const void *model = os::findSymbol(library, path, "nncc_model_", name, report);
  nnccrt_code code =
      model ? nnccrt_load(static_cast<const nnccrt_model *>(model), options, result, status) : report.code();
  if (code != NNCCRT_OK || !*result) {
    os::closeLibrary(library);
    return code;
  }
  (*result)->library = library;
  (*result)->closeLibrary = os::closeLibrary;
  return NNCCRT_OK;
}
