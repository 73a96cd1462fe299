// VAES over AVX-512: four blocks a vector.
#if defined(__x86_64__)
#pragma clang attribute push( \
    __attribute__((target("aes,pclmul,avx512f,avx512bw,avx512dq,avx512vl,vaes,vpclmulqdq"))), apply_to = function)
#include "x86.h"

#define KERNEL cxts_vaes512
#define NAME "vaes512"
#define LANES 4
#define VECTOR __m512i
#define LOAD(bytes) _mm512_loadu_si512(bytes)
#define STORE(bytes, vector) _mm512_storeu_si512(bytes, vector)
#define XOR _mm512_xor_si512
#define SAME _mm512_broadcast_i32x4
#define FIRST_LANE _mm512_castsi512_si128
#define ENCRYPT _mm512_aesenc_epi128
#define DECRYPT _mm512_aesdec_epi128
#define ENCRYPT_LAST _mm512_aesenclast_epi128
#define DECRYPT_LAST _mm512_aesdeclast_epi128
#define SHIFT_LEFT _mm512_bslli_epi128
#define SHIFT_RIGHT _mm512_bsrli_epi128
#define MULTIPLY(a, b) _mm512_clmulepi64_epi128(a, b, 0)
#include "x86-kernel.inc.h"

/// As in vaes256.c, with four lanes.
ALWAYS_INLINE void spread_tweaks(__m128i first, __m512i tweaks[VECTORS]) {
    const __m512i polynomial = SAME(_mm_set_epi64x(0, 0x87)), all = SAME(first);
#pragma clang loop unroll(full)
    for (int i = 0; i < VECTORS; i++) {
        long long n = 4 * i;
        __m512i bits = _mm512_set_epi64(n + 3, n + 3, n + 2, n + 2, n + 1, n + 1, n, n);
        __m512i left = _mm512_srlv_epi64(all, _mm512_sub_epi64(_mm512_set1_epi64(64), bits));
        __m512i reduced = _mm512_clmulepi64_epi128(left, polynomial, 0x01);
        tweaks[i] = XOR(XOR(_mm512_sllv_epi64(all, bits), SHIFT_LEFT(left, 8)), reduced);
    }
}

#pragma clang attribute pop
#endif
