// What the x86 kernels share: a key as they keep it, and the work on single blocks. Include it under a target that has
// AES and PCLMULQDQ.
#pragma once
#include "kernels.h"

#include <immintrin.h>

/// Round keys of FIPS 197: of key 1 for each direction, of key 2 for tweaks.
typedef struct {
    _Alignas(64) uint8_t encrypt[15][16], decrypt[15][16], tweak[15][16];
    /// 10 for AES-128, 14 for AES-256.
    int rounds;
} x86_schedules;

_Static_assert(sizeof(x86_schedules) <= CXTS_CONTEXT_BYTES, "a context has room for the round keys");

cxts_status cxts_x86_open(void *context, const uint8_t *key, size_t key_bytes);
void cxts_x86_close(void *context);

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE __m128i block_at(const uint8_t *bytes) { return _mm_loadu_si128((const __m128i *)bytes); }

ALWAYS_INLINE void put_block(uint8_t *bytes, __m128i block) { _mm_storeu_si128((__m128i *)bytes, block); }

/// The tweak of the next block: times alpha in GF(2^128), least significant byte first (IEEE Std 1619, 5.2).
ALWAYS_INLINE __m128i next_tweak(__m128i tweak) {
    // The sign of each half, moved to where its carry goes: bit 63 to bit 64, bit 127 to the polynomial.
    __m128i carries = _mm_shuffle_epi32(_mm_srai_epi32(tweak, 31), 0x13);
    return _mm_xor_si128(_mm_add_epi64(tweak, tweak), _mm_and_si128(carries, _mm_set_epi32(0, 1, 0, 0x87)));
}

/// How many units' first tweaks are made at once: as many blocks as keep the AES units busy.
enum { TWEAKS = 8 };

/// The first tweaks of TWEAKS units from `unit` on, which is counted on.
ALWAYS_INLINE void first_tweaks(const x86_schedules *keys, int rounds, cxts_number *unit, __m128i tweaks[TWEAKS]) {
    __m128i key = block_at(keys->tweak[0]);
#pragma clang loop unroll(full)
    for (int i = 0; i < TWEAKS; i++) {
        tweaks[i] = _mm_xor_si128(_mm_set_epi64x((long long)unit->high, (long long)unit->low), key);
        if (++unit->low == 0) unit->high++;
    }
    for (int round = 1; round < rounds; round++) {
        key = block_at(keys->tweak[round]);
#pragma clang loop unroll(full)
        for (int i = 0; i < TWEAKS; i++) tweaks[i] = _mm_aesenc_si128(tweaks[i], key);
    }
    key = block_at(keys->tweak[rounds]);
#pragma clang loop unroll(full)
    for (int i = 0; i < TWEAKS; i++) tweaks[i] = _mm_aesenclast_si128(tweaks[i], key);
}

ALWAYS_INLINE void crypt_block(const uint8_t (*keys)[16], int rounds, int encrypts, __m128i tweak, const uint8_t *in,
                               uint8_t *out) {
    __m128i block = _mm_xor_si128(_mm_xor_si128(block_at(in), tweak), block_at(keys[0]));
    for (int round = 1; round < rounds; round++)
        block = encrypts ? _mm_aesenc_si128(block, block_at(keys[round]))
                         : _mm_aesdec_si128(block, block_at(keys[round]));
    block = encrypts ? _mm_aesenclast_si128(block, block_at(keys[rounds]))
                     : _mm_aesdeclast_si128(block, block_at(keys[rounds]));
    put_block(out, _mm_xor_si128(block, tweak));
}
