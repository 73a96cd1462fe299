// VAES over AVX2: two blocks a vector.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("aes,pclmul,avx2,vaes,vpclmulqdq"))), apply_to = function)
#include "x86.h"

#define KERNEL cxts_vaes256
#define NAME "vaes256"
#define LANES 2
#define VECTOR __m256i
#define LOAD(bytes) _mm256_loadu_si256((const __m256i *)(bytes))
#define STORE(bytes, vector) _mm256_storeu_si256((__m256i *)(bytes), vector)
#define XOR _mm256_xor_si256
#define SAME _mm256_broadcastsi128_si256
#define FIRST_LANE _mm256_castsi256_si128
#define ENCRYPT _mm256_aesenc_epi128
#define DECRYPT _mm256_aesdec_epi128
#define ENCRYPT_LAST _mm256_aesenclast_epi128
#define DECRYPT_LAST _mm256_aesdeclast_epi128
#define SHIFT_LEFT _mm256_bslli_epi128
#define SHIFT_RIGHT _mm256_bsrli_epi128
#define MULTIPLY(a, b) _mm256_clmulepi64_epi128(a, b, 0)
#include "x86-kernel.inc.h"

/// Lane j of vector i is alpha^(2i + j) times the first: each half shifted, with what leaves the low one put into the
/// high one, and what leaves the high one times the polynomial into the low one.
ALWAYS_INLINE void spread_tweaks(__m128i first, __m256i tweaks[VECTORS]) {
    const __m256i polynomial = SAME(_mm_set_epi64x(0, 0x87)), all = SAME(first);
#pragma clang loop unroll(full)
    for (int i = 0; i < VECTORS; i++) {
        __m256i bits = _mm256_set_epi64x(2 * i + 1, 2 * i + 1, 2 * i, 2 * i);
        // A shift by 64 gives zero.
        __m256i left = _mm256_srlv_epi64(all, _mm256_sub_epi64(_mm256_set1_epi64x(64), bits));
        __m256i reduced = _mm256_clmulepi64_epi128(left, polynomial, 0x01);
        tweaks[i] = XOR(XOR(_mm256_sllv_epi64(all, bits), SHIFT_LEFT(left, 8)), reduced);
    }
}

#pragma clang attribute pop
#endif
