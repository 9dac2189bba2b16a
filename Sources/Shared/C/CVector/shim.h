#pragma once
#include <stdint.h>
#include <string.h>

/* Clang's vectors, which every CPU that it knows has instructions for, or is given some: Swift's own are compared one
   element after the other. */
typedef unsigned char cvector_bytes __attribute__((ext_vector_type(64)));
typedef _Bool cvector_bits __attribute__((ext_vector_type(64)));

/* Copies 64 bytes; of each a bit, the first one's lowest, that says whether it is `byte`. */
static inline uint64_t cvector_copy64(const void *from, void *to, unsigned char byte) {
    cvector_bytes bytes;
    memcpy(&bytes, from, sizeof bytes);
    memcpy(to, &bytes, sizeof bytes);
    return __builtin_bit_cast(uint64_t, __builtin_convertvector(bytes == byte, cvector_bits));
}
