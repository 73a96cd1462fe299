// What the kernels over a processor's AES instructions share: how a cipher's expanded keys lie in its context.
#pragma once
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
typedef __m128i block;
#elif defined(__aarch64__)
#include <arm_neon.h>
typedef uint8x16_t block;
#endif

#if defined(__x86_64__) || defined(__aarch64__)
#define INLINE static inline __attribute__((always_inline))

/// Before a loop whose bounds are constants where it is inlined.
#define UNROLLED _Pragma("clang loop unroll(full)")

/// Keeps the compiler from loading round keys ahead of a loop, as it would have to put them on the stack.
#define LOADED_HERE(keys) __asm__("" : "+r"(keys))

/// Vectors in flight: enough for two AES units with a latency of four cycles.
enum { BATCH = 8 };

/// Where the tweaks of a batch come from: a batch further on in the same unit, or the first tweak of another.
typedef enum { STEP, START } next_batch;

/// Wider kernels broadcast a round key as they load it, which costs no more than a plain load; so all of them share
/// one layout and the functions that fill and wipe it.
typedef struct {
    block encrypt[15], decrypt[15];  // of key 1; `decrypt` as the equivalent inverse cipher has it (FIPS 197 §5.3.5)
    block tweak[15];                 // of key 2
    int rounds;                      // 10 (AES-128) or 14 (AES-256)
} expanded_keys;

_Static_assert(sizeof(expanded_keys) <= CXTS_CONTEXT_BYTES, "a context has room for the expanded keys");

cxts_status expanded_keys_open(void *context, const uint8_t *key, size_t key_bytes);
void expanded_keys_close(void *context);
#endif
