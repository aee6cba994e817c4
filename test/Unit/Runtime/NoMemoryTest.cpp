//===- NoMemoryTest.cpp - a system that gives no memory ---------------------------------------------------------===//
///
/// \file
/// The linker sends this program's allocations through the functions here (--wrap, see CMakeLists.txt), which fail on request.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "FakeModel.h"
#include <cstdlib>
#include <cstring>

static thread_local int allocationsLeft = -1; // < 0: no limit

static bool mayAllocate() {
  if (allocationsLeft < 0)
    return true;
  if (allocationsLeft == 0)
    return false;
  --allocationsLeft;
  return true;
}

// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming): as the linker's --wrap wants them.
extern "C" {
void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
int __real_posix_memalign(void **, size_t, size_t);

void *__wrap_malloc(size_t bytes) { return mayAllocate() ? __real_malloc(bytes) : nullptr; }
void *__wrap_calloc(size_t count, size_t bytes) { return mayAllocate() ? __real_calloc(count, bytes) : nullptr; }
void *__wrap_realloc(void *memory, size_t bytes) { return mayAllocate() ? __real_realloc(memory, bytes) : nullptr; }
int __wrap_posix_memalign(void **memory, size_t alignment, size_t bytes) {
  return mayAllocate() ? __real_posix_memalign(memory, alignment, bytes) : 12 /* ENOMEM */;
}
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)
}

namespace nncc::rt::test {
namespace {

/// Uses all that allocates: a plan, scratch, buffers made while running, a carried value, an output.
int32_t greedySchedule(nnccrt_frame *frame) {
  const nnccrt_services &s = *frame->services;
  void *buffer = s.alloc(frame, 100000);
  void *kept = buffer ? s.carry(frame, 0, buffer, 1000) : nullptr;
  void *y = kept ? s.output(frame, 0, frame->symbols) : nullptr;
  if (!y)
    return -1;
  std::memset(frame->arena + frame->offsets[1], 1, frame->symbols[0]);
  return 0;
}

FakeModel makeGreedy() {
  FakeModel model;
  model.symbol("N").input("x", NNCCRT_F32, {"N"}).output("y", NNCCRT_F32, {"N"}).carries(1).scratch(64);
  model.slots({{-1, 0, 1}, {-1, 0, 0}}, [](const int64_t *n, int64_t *bytes) { bytes[0] = bytes[1] = 10 * n[0]; });
  model.schedule(greedySchedule);
  return model;
}

/// From load to unload; the code of the first call that fails.
nnccrt_code useModel(const nnccrt_model *model) {
  nnccrt_program *program = nullptr;
  nnccrt_context *context = nullptr;
  nnccrt_tensor x = {};
  x.size = sizeof(x);
  nnccrt_status status;
  nnccrt_code code = nnccrt_load(model, nullptr, &program, &status);
  if (!code)
    code = nnccrt_create(program, nullptr, &context, &status);
  for (int64_t n : {100, 5000}) {
    if (!code)
      code = nnccrt_resize(context, &n, 1, &status);
    if (!code)
      code = nnccrt_input(context, 0, &x, &status);
    if (!code)
      code = nnccrt_run(context, &status);
  }
  nnccrt_destroy(context);
  nnccrt_unload(program);
  return code;
}

TEST(NoMemory, EveryAllocationMayFail) {
  FakeModel model = makeGreedy();
  const nnccrt_model *descriptor = model.get();
  EXPECT_EQ(useModel(descriptor), NNCCRT_OK);
  int limit = 0;
  for (; limit < 200; ++limit) {
    allocationsLeft = limit;
    nnccrt_code code = useModel(descriptor);
    allocationsLeft = -1;
    if (code == NNCCRT_OK)
      break;
    EXPECT_EQ(code, NNCCRT_NO_MEMORY) << "with " << limit << " allocations";
  }
  EXPECT_GT(limit, 15); // the wrapping works
  EXPECT_LT(limit, 200);
}

TEST(NoMemory, GoesOnAfterwards) {
  FakeModel model = makeGreedy();
  Session session(model);
  session.resize({100});
  session.input(0);
  allocationsLeft = 0;
  nnccrt_status status;
  nnccrt_code code = nnccrt_run(session, &status);
  allocationsLeft = -1;
  EXPECT_EQ(code, NNCCRT_NO_MEMORY);
  bool guarded =
      std::string_view(status.message) == "out of memory: the system did not give 100096 bytes"; // by AddressSanitizer
  if (!guarded)
    EXPECT_STREQ(status.message, "out of memory: the system did not give 100032 bytes");
  EXPECT_EQ(session.run(), "");
}

} // namespace
} // namespace nncc::rt::test
