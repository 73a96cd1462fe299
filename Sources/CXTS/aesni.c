// The kernel for the AES instructions alone (SSE 4.1): one AES block a vector, eight in flight.
#include "instructions.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("aes,sse4.1"))), apply_to = function)

typedef __m128i vec;
#define LANES 1

INLINE vec load(const uint8_t *at) { return _mm_loadu_si128((const void *)at); }
INLINE void store(uint8_t *at, vec v) { _mm_storeu_si128((void *)at, v); }
INLINE vec broadcast(block one) { return one; }
INLINE vec xor(vec a, vec b) { return _mm_xor_si128(a, b); }
INLINE vec encrypt_round(vec data, vec key) { return _mm_aesenc_si128(data, key); }
INLINE vec encrypt_last(vec data, vec key) { return _mm_aesenclast_si128(data, key); }
INLINE vec decrypt_round(vec data, vec key) { return _mm_aesdec_si128(data, key); }
INLINE vec decrypt_last(vec data, vec key) { return _mm_aesdeclast_si128(data, key); }

/// Times alpha: both halves one bit up; what falls off the low half goes to the high one, what falls off that is
/// folded.
INLINE vec by_alpha(vec tweak) {
    const vec fold = _mm_set_epi32(0, 1, 0, 0x87);
    const vec fallen = _mm_and_si128(_mm_shuffle_epi32(_mm_srai_epi32(tweak, 31), 0x13), fold);
    return xor(_mm_add_epi64(tweak, tweak), fallen);
}

#include "one-block.inc.h"

/// The number of a unit.
INLINE vec numbers_from(unsigned __int128 n) { return _mm_set_epi64x((long long)(n >> 64), (long long)n); }

#include "x86.inc.h"
#include "run.inc.h"

#pragma clang attribute pop

const cxts_kernel cxts_aesni = {"aesni", expanded_keys_open, encrypt_run, decrypt_run, expanded_keys_close};
#endif
