# find_package(nnccrt) gives nnccrt::nnccrt, and nnccrt::nnccrt_cuda: the same with GPUs.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/nnccrtTargets.cmake)
