// The AES instructions of ARMv8: one block a vector, eight in flight.
#if defined(__aarch64__)
#pragma clang attribute push(__attribute__((target("aes"))), apply_to = function)
#include "kernels.h"

#include <arm_neon.h>
#include <openssl/crypto.h>

/// Round keys of FIPS 197: of key 1 for each direction, of key 2 for tweaks.
typedef struct {
    _Alignas(64) uint8_t encrypt[15][16], decrypt[15][16], tweak[15][16];
    /// 10 for AES-128, 14 for AES-256.
    int rounds;
} schedules;

_Static_assert(sizeof(schedules) <= CXTS_CONTEXT_BYTES, "a context has room for the round keys");

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum { BLOCKS = 8 };

// MARK: - Key schedules (FIPS 197, 5.2)

/// The S-box on each byte of a word. AESE moves bytes between columns, which are all the same here.
static uint32_t substituted(uint32_t word) {
    uint8x16_t columns = vreinterpretq_u8_u32(vdupq_n_u32(word));
    return vgetq_lane_u32(vreinterpretq_u32_u8(vaeseq_u8(columns, vdupq_n_u8(0))), 0);
}

static void expand(const uint8_t *key, int key_words, int rounds, uint8_t (*keys)[16]) {
    uint32_t words[60], constant = 1;
    __builtin_memcpy(words, key, 4 * (size_t)key_words);
    for (int i = key_words; i < 4 * (rounds + 1); i++) {
        uint32_t word = words[i - 1];
        if (i % key_words == 0) {
            word = substituted(word >> 8 | word << 24) ^ constant;
            constant = constant << 1 ^ (constant >> 7) * 0x11b;
        } else if (key_words == 8 && i % 8 == 4) {
            word = substituted(word);
        }
        words[i] = words[i - key_words] ^ word;
    }
    __builtin_memcpy(keys, words, 16 * (size_t)(rounds + 1));
    OPENSSL_cleanse(words, sizeof words);
}

static cxts_status open_schedules(void *context, const uint8_t *key, size_t key_bytes) {
    schedules *own = context;
    int key_words = (int)key_bytes / 8;
    own->rounds = key_words + 6;
    expand(key, key_words, own->rounds, own->encrypt);
    expand(key + key_bytes / 2, key_words, own->rounds, own->tweak);
    // The equivalent inverse cipher (FIPS 197, 5.3.5): the same rounds backwards, those between mixed.
    for (int round = 0; round <= own->rounds; round++) {
        uint8x16_t back = vld1q_u8(own->encrypt[own->rounds - round]);
        vst1q_u8(own->decrypt[round], round == 0 || round == own->rounds ? back : vaesimcq_u8(back));
    }
    return CXTS_OK;
}

static void close_schedules(void *context) { OPENSSL_cleanse(context, sizeof(schedules)); }

// MARK: - Data

/// Up to BLOCKS blocks through all rounds at once.
ALWAYS_INLINE void crypt(const uint8_t (*keys)[16], int rounds, int encrypts, uint8x16_t *blocks, int count) {
    for (int round = 0; round < rounds - 1; round++) {
        uint8x16_t key = vld1q_u8(keys[round]);
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++)
            blocks[i] = encrypts ? vaesmcq_u8(vaeseq_u8(blocks[i], key)) : vaesimcq_u8(vaesdq_u8(blocks[i], key));
    }
    uint8x16_t before = vld1q_u8(keys[rounds - 1]), last = vld1q_u8(keys[rounds]);
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++)
        blocks[i] = veorq_u8(encrypts ? vaeseq_u8(blocks[i], before) : vaesdq_u8(blocks[i], before), last);
}

/// The tweak of the next block: times alpha in GF(2^128), least significant byte first (IEEE Std 1619, 5.2).
ALWAYS_INLINE uint8x16_t next_tweak(uint8x16_t tweak) {
    int64x2_t signs = vshrq_n_s64(vreinterpretq_s64_u8(tweak), 63);
    const uint64x2_t carries = {0x87, 1};
    uint64x2_t carried = vandq_u64(vreinterpretq_u64_s64(vextq_s64(signs, signs, 1)), carries);
    return vreinterpretq_u8_u64(veorq_u64(vshlq_n_u64(vreinterpretq_u64_u8(tweak), 1), carried));
}

/// The first tweaks of BLOCKS units from `unit` on, which is counted on.
ALWAYS_INLINE void first_tweaks(const schedules *own, int rounds, cxts_number *unit, uint8x16_t tweaks[BLOCKS]) {
    for (int i = 0; i < BLOCKS; i++) {
        tweaks[i] = vreinterpretq_u8_u64((uint64x2_t){unit->low, unit->high});
        if (++unit->low == 0) unit->high++;
    }
    crypt(own->tweak, rounds, 1, tweaks, BLOCKS);
}

ALWAYS_INLINE uint8x16_t crypt_batch(const uint8_t (*keys)[16], int rounds, int encrypts, uint8x16_t tweak,
                                     const uint8_t *in, uint8_t *out, int count) {
    uint8x16_t blocks[BLOCKS], tweaks[BLOCKS];
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++, tweak = next_tweak(tweak)) {
        tweaks[i] = tweak;
        blocks[i] = veorq_u8(vld1q_u8(in + 16 * i), tweak);
    }
    crypt(keys, rounds, encrypts, blocks, count);
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++) vst1q_u8(out + 16 * i, veorq_u8(blocks[i], tweaks[i]));
    return tweak;
}

ALWAYS_INLINE void crypt_run(const schedules *own, int rounds, int encrypts, cxts_number unit, size_t unit_bytes,
                             const uint8_t *in, uint8_t *out, size_t bytes) {
    const uint8_t(*keys)[16] = encrypts ? own->encrypt : own->decrypt;
    uint8x16_t tweaks[BLOCKS];
    for (size_t start = 0, number = 0; start < bytes; start += unit_bytes, number++) {
        if (number % BLOCKS == 0) first_tweaks(own, rounds, &unit, tweaks);
        uint8x16_t tweak = tweaks[number % BLOCKS];
        size_t done = start, end = start + unit_bytes;
        for (; end - done >= 16 * BLOCKS; done += 16 * BLOCKS)
            tweak = crypt_batch(keys, rounds, encrypts, tweak, in + done, out + done, BLOCKS);
        for (; done < end; done += 16)
            tweak = crypt_batch(keys, rounds, encrypts, tweak, in + done, out + done, 1);
    }
}

static cxts_status encrypt_run(void *context, cxts_number first, size_t unit_bytes, const uint8_t *in, uint8_t *out,
                               size_t bytes) {
    const schedules *own = context;
    if (own->rounds == 14) crypt_run(own, 14, 1, first, unit_bytes, in, out, bytes);
    else crypt_run(own, 10, 1, first, unit_bytes, in, out, bytes);
    return CXTS_OK;
}

static cxts_status decrypt_run(void *context, cxts_number first, size_t unit_bytes, const uint8_t *in, uint8_t *out,
                               size_t bytes) {
    const schedules *own = context;
    if (own->rounds == 14) crypt_run(own, 14, 0, first, unit_bytes, in, out, bytes);
    else crypt_run(own, 10, 0, first, unit_bytes, in, out, bytes);
    return CXTS_OK;
}

const cxts_kernel cxts_armv8 = {"armv8", open_schedules, encrypt_run, decrypt_run, close_schedules};

#pragma clang attribute pop
#endif
