# find_package(nncc) gives the compiler nncc::nncc, the runtime nnccrt::nnccrt (with GPUs nnccrt::nnccrt_cuda), and
# nncc_add_model.
include(CMakeFindDependencyMacro)
find_dependency(nnccrt HINTS ${CMAKE_CURRENT_LIST_DIR}/../nnccrt)
include(${CMAKE_CURRENT_LIST_DIR}/nnccTargets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/NNCCAddModel.cmake)
