# find_package(nnccrt) gives nnccrt::nnccrt.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/nnccrtTargets.cmake)
