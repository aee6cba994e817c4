//===- RandomSchedule.h - schedules to test PlanMemory with -----------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TEST_UNIT_EXEC_RANDOMSCHEDULE_H
#define NNCC_TEST_UNIT_EXEC_RANDOMSCHEDULE_H

#include <string>

namespace nncc::exec {

/// What may occur besides launches, views and values that the schedule makes itself.
struct ScheduleFeatures {
  bool symbols = false, runTimeSizes = false, controlFlow = false;
};

/// A module with kernels and @main(%arg0: tensor<8xi64>, %arg1: tensor<8xi64> or tensor<?xi64> of size "n"), on tensors.
std::string makeRandomSchedule(unsigned seed, ScheduleFeatures features);

} // namespace nncc::exec

#endif // NNCC_TEST_UNIT_EXEC_RANDOMSCHEDULE_H
