// Key expansion (FIPS 197 §5.2) with the AES instructions, which look nothing up in memory. Words go from registers
// straight into the context.
#include "instructions.h"

#if defined(__x86_64__) || defined(__aarch64__)
#include <string.h>

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("aes,sse4.1"))), apply_to = function)

INLINE uint32_t substituted(uint32_t word) {
    return (uint32_t)_mm_cvtsi128_si32(_mm_aeskeygenassist_si128(_mm_set1_epi32((int)word), 0));
}

INLINE block inverse_mixed(block key) { return _mm_aesimc_si128(key); }
#else
#pragma clang attribute push(__attribute__((target("aes"))), apply_to = function)

INLINE uint32_t substituted(uint32_t word) {
    // All four columns are equal, so that ShiftRows changes nothing.
    return vgetq_lane_u32(vreinterpretq_u32_u8(vaeseq_u8(vreinterpretq_u8_u32(vdupq_n_u32(word)), vdupq_n_u8(0))), 0);
}

INLINE block inverse_mixed(block key) { return vaesimcq_u8(key); }
#endif

/// Words are little-endian: the first byte of a column is the lowest.
static void expand(block *keys, int rounds, const uint8_t *key, int key_words) {
    uint8_t *bytes = (uint8_t *)keys;
    memcpy(bytes, key, 4 * (size_t)key_words);
    uint32_t constant = 1, word, before;
    memcpy(&word, bytes + 4 * (key_words - 1), 4);
    for (int i = key_words; i < 4 * (rounds + 1); i++) {
        if (i % key_words == 0) {
            word = substituted(word >> 8 | word << 24) ^ constant;
            constant = constant << 1 ^ (constant >> 7) * 0x11b;
        } else if (key_words == 8 && i % 8 == 4) {
            word = substituted(word);
        }
        memcpy(&before, bytes + 4 * (i - key_words), 4);
        word ^= before;
        memcpy(bytes + 4 * i, &word, 4);
    }
}

cxts_status expanded_keys_open(void *context, const uint8_t *key, size_t key_bytes) {
    expanded_keys *keys = context;
    const int key_words = (int)(key_bytes / 8), rounds = key_words + 6;
    keys->rounds = rounds;
    expand(keys->encrypt, rounds, key, key_words);
    expand(keys->tweak, rounds, key + key_bytes / 2, key_words);
    for (int i = 0; i <= rounds; i++) {
        const block mirrored = keys->encrypt[rounds - i];
        keys->decrypt[i] = i == 0 || i == rounds ? mirrored : inverse_mixed(mirrored);
    }
    return CXTS_OK;
}

#pragma clang attribute pop

void expanded_keys_close(void *context) { explicit_bzero(context, sizeof(expanded_keys)); }
#endif
