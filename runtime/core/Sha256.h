//===- Sha256.h - the hash of FIPS 180-4 --------------------------------------------------------------*- C++ -*-===//

#ifndef NNCCRT_CORE_SHA256_H
#define NNCCRT_CORE_SHA256_H

#include <cstdint>

namespace nncc::rt {

void sha256(const void *data, uint64_t bytes, uint8_t digest[32]);

} // namespace nncc::rt

#endif // NNCCRT_CORE_SHA256_H
