// AES-NI: one block a vector. Every x86-64 processor of the last decade runs it; also the key schedules of all x86
// kernels.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("aes,pclmul,sse4.1"))), apply_to = function)
#include "x86.h"

#include <openssl/crypto.h>

#define KERNEL cxts_aesni
#define NAME "aesni"
#define LANES 1
#define VECTOR __m128i
#define LOAD block_at
#define STORE put_block
#define XOR _mm_xor_si128
#define SAME(block) (block)
#define FIRST_LANE(vector) (vector)
#define ENCRYPT _mm_aesenc_si128
#define DECRYPT _mm_aesdec_si128
#define ENCRYPT_LAST _mm_aesenclast_si128
#define DECRYPT_LAST _mm_aesdeclast_si128
#define SHIFT_LEFT _mm_slli_si128
#define SHIFT_RIGHT _mm_srli_si128
#define MULTIPLY(a, b) _mm_clmulepi64_si128(a, b, 0)
#include "x86-kernel.inc.h"

ALWAYS_INLINE void spread_tweaks(__m128i first, __m128i tweaks[VECTORS]) {
    tweaks[0] = first;
#pragma clang loop unroll(full)
    for (int i = 1; i < VECTORS; i++) tweaks[i] = next_tweak(tweaks[i - 1]);
}

// MARK: - Key schedules (FIPS 197, 5.2)

/// Each word with all before it in its block: x0, x0+x1, x0+x1+x2, …
ALWAYS_INLINE __m128i running_sum(__m128i x) {
    x = _mm_xor_si128(x, _mm_slli_si128(x, 4));
    return _mm_xor_si128(x, _mm_slli_si128(x, 8));
}

// The round constant is part of the instruction, so these are macros. The first takes the last word rotated and
// substituted, the second the last word substituted alone.
#define WITH_ROTATION(before, last, constant) \
    _mm_xor_si128(running_sum(before), _mm_shuffle_epi32(_mm_aeskeygenassist_si128(last, constant), 0xff))
#define WITHOUT_ROTATION(before, last) \
    _mm_xor_si128(running_sum(before), _mm_shuffle_epi32(_mm_aeskeygenassist_si128(last, 0), 0xaa))

static void expand_128(const uint8_t *key, uint8_t (*keys)[16]) {
    __m128i last = block_at(key);
    put_block(keys[0], last);
#define STEP(round, constant) put_block(keys[round], last = WITH_ROTATION(last, last, constant));
    STEP(1, 0x01) STEP(2, 0x02) STEP(3, 0x04) STEP(4, 0x08) STEP(5, 0x10)
    STEP(6, 0x20) STEP(7, 0x40) STEP(8, 0x80) STEP(9, 0x1b) STEP(10, 0x36)
#undef STEP
}

static void expand_256(const uint8_t *key, uint8_t (*keys)[16]) {
    __m128i even = block_at(key), odd = block_at(key + 16);
    put_block(keys[0], even);
    put_block(keys[1], odd);
#define EVEN(round, constant) put_block(keys[round], even = WITH_ROTATION(even, odd, constant));
#define ODD(round) put_block(keys[round], odd = WITHOUT_ROTATION(odd, even));
    EVEN(2, 0x01) ODD(3) EVEN(4, 0x02) ODD(5) EVEN(6, 0x04) ODD(7) EVEN(8, 0x08)
    ODD(9) EVEN(10, 0x10) ODD(11) EVEN(12, 0x20) ODD(13) EVEN(14, 0x40)
#undef EVEN
#undef ODD
}

cxts_status cxts_x86_open(void *context, const uint8_t *key, size_t key_bytes) {
    x86_schedules *own = context;
    size_t half = key_bytes / 2;
    own->rounds = half == 32 ? 14 : 10;
    (half == 32 ? expand_256 : expand_128)(key, own->encrypt);
    (half == 32 ? expand_256 : expand_128)(key + half, own->tweak);
    // The equivalent inverse cipher (FIPS 197, 5.3.5): the same rounds backwards, those between mixed.
    for (int round = 0; round <= own->rounds; round++) {
        __m128i back = block_at(own->encrypt[own->rounds - round]);
        put_block(own->decrypt[round], round == 0 || round == own->rounds ? back : _mm_aesimc_si128(back));
    }
    return CXTS_OK;
}

void cxts_x86_close(void *context) { OPENSSL_cleanse(context, sizeof(x86_schedules)); }

#pragma clang attribute pop
#endif
