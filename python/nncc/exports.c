/* CMake wants a source file; everything in this library comes from libnnccrt_cuda.a. */
