// The kernel for AVX2 with VAES and VPCLMULQDQ: two AES blocks a vector, sixteen in flight.
#include "instructions.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,aes,vaes,vpclmulqdq"))), apply_to = function)

typedef __m256i vec;
#define LANES 2

INLINE vec load(const uint8_t *at) { return _mm256_loadu_si256((const void *)at); }
INLINE void store(uint8_t *at, vec v) { _mm256_storeu_si256((void *)at, v); }
INLINE vec broadcast(block one) { return _mm256_broadcastsi128_si256(one); }
INLINE vec xor(vec a, vec b) { return _mm256_xor_si256(a, b); }
INLINE vec encrypt_round(vec data, vec key) { return _mm256_aesenc_epi128(data, key); }
INLINE vec encrypt_last(vec data, vec key) { return _mm256_aesenclast_epi128(data, key); }
INLINE vec decrypt_round(vec data, vec key) { return _mm256_aesdec_epi128(data, key); }
INLINE vec decrypt_last(vec data, vec key) { return _mm256_aesdeclast_epi128(data, key); }

/// Each lane times alpha: both halves one bit up; what falls off the low half goes to the high one, what falls off that
/// is folded. VPCLMULQDQ would do it in fewer instructions, but takes about two cycles on Zen 3: once a batch, not more.
INLINE vec by_alpha(vec tweak) {
    const vec fold = _mm256_set_epi32(0, 1, 0, 0x87, 0, 1, 0, 0x87);
    const vec fallen = _mm256_and_si256(_mm256_shuffle_epi32(_mm256_srai_epi32(tweak, 31), 0x13), fold);
    return xor(_mm256_add_epi64(tweak, tweak), fallen);
}

/// Each lane times alpha^8 and alpha^16: whole bytes up, and what falls off the top comes back folded.
INLINE block by_alpha_8(block tweak) {
    const block fallen = _mm_clmulepi64_si128(_mm_srli_si128(tweak, 15), _mm_set1_epi64x(0x87), 0x00);
    return _mm_xor_si128(_mm_slli_si128(tweak, 1), fallen);
}
INLINE vec by_alpha_16(vec tweak) {
    const vec fallen = _mm256_clmulepi64_epi128(_mm256_bsrli_epi128(tweak, 14), _mm256_set1_epi64x(0x87), 0x00);
    return xor(_mm256_bslli_epi128(tweak, 2), fallen);
}

/// Tweaks are made for blocks j and j + 8 of a batch in one vector, so that the next is alpha times it; two such
/// vectors then exchange their lanes and serve blocks j, j + 1 and j + 8, j + 9: places j/2 and j/2 + 4.
typedef struct {
    vec base;       // blocks 0 and 8 of the batch
    vec even, odd;  // blocks j and j + 8, j + 1 and j + 9
} tweak_source;

#define PLACE(i) ((i) / 2 + (i) % 2 * 4)

INLINE void begin_batch(tweak_source *source, next_batch next, block first) {
    source->base = next == STEP ? by_alpha_16(source->base) : _mm256_set_m128i(by_alpha_8(first), first);
}

INLINE vec next_tweak(tweak_source *source, next_batch next, int i) {
    (void)next;
    if (i % 2 == 1) return _mm256_permute2x128_si256(source->even, source->odd, 0x31);
    source->even = i == 0 ? source->base : by_alpha(source->odd);
    source->odd = by_alpha(source->even);
    return _mm256_permute2x128_si256(source->even, source->odd, 0x20);
}

/// The numbers of LANES units.
INLINE vec numbers_from(unsigned __int128 n) {
    const unsigned __int128 m = n + 1;
    return _mm256_set_epi64x((long long)(m >> 64), (long long)m, (long long)(n >> 64), (long long)n);
}

#include "x86.inc.h"
#include "run.inc.h"

#pragma clang attribute pop

const cxts_kernel cxts_vaes256 = {"vaes256", expanded_keys_open, encrypt_run, decrypt_run, expanded_keys_close};
#endif
