// The kernel for AVX-512 (F, BW, VL) with VAES and VPCLMULQDQ: four AES blocks a vector, thirty-two in flight.
#include "instructions.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,aes,vaes,vpclmulqdq"))), apply_to = function)

typedef __m512i vec;
#define LANES 4

INLINE vec load(const uint8_t *at) { return _mm512_loadu_si512(at); }
INLINE void store(uint8_t *at, vec v) { _mm512_storeu_si512(at, v); }
INLINE vec broadcast(block one) { return _mm512_broadcast_i32x4(one); }
INLINE vec xor(vec a, vec b) { return _mm512_xor_si512(a, b); }
INLINE vec encrypt_round(vec data, vec key) { return _mm512_aesenc_epi128(data, key); }
INLINE vec encrypt_last(vec data, vec key) { return _mm512_aesenclast_epi128(data, key); }
INLINE vec decrypt_round(vec data, vec key) { return _mm512_aesdec_epi128(data, key); }
INLINE vec decrypt_last(vec data, vec key) { return _mm512_aesdeclast_epi128(data, key); }

/// Each lane times alpha^32, a batch: four bytes up, and what falls off the top comes back times x^7 + x^2 + x + 1.
INLINE vec by_alpha_batch(vec tweak) {
    const vec fallen = _mm512_clmulepi64_epi128(_mm512_bsrli_epi128(tweak, 12), _mm512_set1_epi64(0x87), 0x00);
    return xor(_mm512_bslli_epi128(tweak, 4), fallen);
}

/// Vector i of a unit whose first tweak stands in all lanes of `first`: lane j has alpha^(4i+j) times it, both halves of
/// a lane shifted apart. What falls off the low half goes to the high one, what falls off that is folded.
INLINE vec vector_of_unit(vec first, int i) {
    const int j = 4 * i;
    const vec up = _mm512_set_epi64(j + 3, j + 3, j + 2, j + 2, j + 1, j + 1, j, j);
    const vec down = _mm512_set_epi64(61 - j, 61 - j, 62 - j, 62 - j, 63 - j, 63 - j, 64 - j, 64 - j);
    const vec fallen = _mm512_srlv_epi64(first, down);
    const vec folded = _mm512_clmulepi64_epi128(fallen, _mm512_set1_epi64(0x87), 0x01);
    return xor(xor(_mm512_sllv_epi64(first, up), _mm512_bslli_epi128(fallen, 8)), folded);
}

/// Each vector of a batch is made from the same one of the batch before, or from the first tweak of a unit.
typedef struct {
    vec batch[BATCH], first;
} tweak_source;

#define PLACE(i) (i)

INLINE void begin_batch(tweak_source *source, next_batch next, block first) {
    if (next == START) source->first = broadcast(first);
}

INLINE vec next_tweak(tweak_source *source, next_batch next, int i) {
    source->batch[i] = next == START ? vector_of_unit(source->first, i) : by_alpha_batch(source->batch[i]);
    return source->batch[i];
}

/// The numbers of LANES units.
INLINE vec numbers_from(unsigned __int128 n) {
    const unsigned __int128 m = n + 1, o = n + 2, p = n + 3;
    return _mm512_set_epi64((long long)(p >> 64), (long long)p, (long long)(o >> 64), (long long)o,
                            (long long)(m >> 64), (long long)m, (long long)(n >> 64), (long long)n);
}

#include "x86.inc.h"
#include "run.inc.h"

#pragma clang attribute pop

const cxts_kernel cxts_vaes512 = {"vaes512", expanded_keys_open, encrypt_run, decrypt_run, expanded_keys_close};
#endif
