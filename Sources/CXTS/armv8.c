// The kernel for the AES instructions of ARMv8: one AES block a vector, eight in flight.
#include "instructions.h"

#if defined(__aarch64__)
#pragma clang attribute push(__attribute__((target("aes"))), apply_to = function)

typedef uint8x16_t vec;
#define LANES 1

INLINE vec load(const uint8_t *at) { return vld1q_u8(at); }
INLINE void store(uint8_t *at, vec v) { vst1q_u8(at, v); }
INLINE vec xor(vec a, vec b) { return veorq_u8(a, b); }

// AESE and AESD add a round key first, so that a round takes the key of the one before, and the last has two.
INLINE vec first_key(const block *keys) { return keys[0]; }
INLINE vec whitened(vec data, vec key) {
    (void)key;
    return data;
}
INLINE vec round_key(const block *keys, int round) { return keys[round - 1]; }

INLINE vec cipher_round(int encrypts, vec data, vec key) {
    return encrypts ? vaesmcq_u8(vaeseq_u8(data, key)) : vaesimcq_u8(vaesdq_u8(data, key));
}

INLINE vec last_round(int encrypts, vec data, const block *keys, int rounds, vec tweak) {
    const vec key = keys[rounds - 1];
    return xor(encrypts ? vaeseq_u8(data, key) : vaesdq_u8(data, key), xor(keys[rounds], tweak));
}

/// Times alpha: both halves one bit up; what falls off the low half goes to the high one, what falls off that is
/// folded.
INLINE vec by_alpha(vec tweak) {
    const uint64x2_t fold = vcombine_u64(vcreate_u64(0x87), vcreate_u64(1));
    const int64x2_t halves = vreinterpretq_s64_u8(tweak);
    const uint64x2_t top_bits = vreinterpretq_u64_s64(vshrq_n_s64(halves, 63));
    const uint64x2_t fallen = vandq_u64(vextq_u64(top_bits, top_bits, 1), fold);
    return xor(vreinterpretq_u8_s64(vshlq_n_s64(halves, 1)), vreinterpretq_u8_u64(fallen));
}

#include "one-block.inc.h"

/// The number of a unit, as the 16 little-endian bytes that are encrypted.
INLINE vec numbers_from(unsigned __int128 n) {
    return vreinterpretq_u8_u64(vcombine_u64(vcreate_u64((uint64_t)n), vcreate_u64((uint64_t)(n >> 64))));
}

#include "run.inc.h"

#pragma clang attribute pop

const cxts_kernel cxts_armv8 = {"armv8", expanded_keys_open, encrypt_run, decrypt_run, expanded_keys_close};
#endif
