// The body of an x86 kernel, for vectors of LANES blocks. Before it is included, x86.h is, and these are defined:
//
//   KERNEL, NAME                       the table's name, and the kernel's
//   LANES, VECTOR                      blocks in a vector, and its type
//   LOAD, STORE, XOR, SAME             unaligned load and store, exclusive or, 16 bytes in every lane
//   ENCRYPT, DECRYPT, ..._LAST         one round of every lane
//   SHIFT_LEFT, SHIFT_RIGHT            each lane by whole bytes
//   MULTIPLY                           carry-less, the low halves of each lane
//   spread_tweaks(first, tweaks)       from a unit's first tweak those of its first VECTORS vectors
//
// Eight vectors are in flight: a round takes about four cycles, and the processors at hand begin two in each.

enum { VECTORS = 8, VECTOR_BYTES = 16 * LANES, BATCH_BYTES = VECTORS * VECTOR_BYTES };

static void spread_tweaks(__m128i first, VECTOR tweaks[VECTORS]);

/// The tweak as many blocks later as a batch has: times alpha^(8 LANES), a shift by LANES bytes. What leaves at the top
/// comes back times the polynomial x^7 + x^2 + x + 1.
ALWAYS_INLINE VECTOR next_batch(VECTOR tweak, VECTOR polynomial) {
    return XOR(SHIFT_LEFT(tweak, LANES), MULTIPLY(SHIFT_RIGHT(tweak, 16 - LANES), polynomial));
}

ALWAYS_INLINE void crypt_batch(const uint8_t (*keys)[16], int rounds, int encrypts, const VECTOR tweaks[VECTORS],
                               const uint8_t *in, uint8_t *out) {
    VECTOR blocks[VECTORS], key = SAME(block_at(keys[0]));
#pragma clang loop unroll(full)
    for (int i = 0; i < VECTORS; i++) blocks[i] = XOR(XOR(LOAD(in + i * VECTOR_BYTES), tweaks[i]), key);
    for (int round = 1; round < rounds; round++) {
        key = SAME(block_at(keys[round]));
#pragma clang loop unroll(full)
        for (int i = 0; i < VECTORS; i++) blocks[i] = encrypts ? ENCRYPT(blocks[i], key) : DECRYPT(blocks[i], key);
    }
    key = SAME(block_at(keys[rounds]));
#pragma clang loop unroll(full)
    for (int i = 0; i < VECTORS; i++) {
        blocks[i] = encrypts ? ENCRYPT_LAST(blocks[i], key) : DECRYPT_LAST(blocks[i], key);
        STORE(out + i * VECTOR_BYTES, XOR(blocks[i], tweaks[i]));
    }
}

ALWAYS_INLINE void crypt_unit(const uint8_t (*keys)[16], int rounds, int encrypts, __m128i tweak, size_t unit_bytes,
                              const uint8_t *in, uint8_t *out) {
    size_t done = 0;
    if (unit_bytes >= BATCH_BYTES) {
        const VECTOR polynomial = SAME(_mm_set_epi64x(0, 0x87));
        VECTOR tweaks[VECTORS];
        spread_tweaks(tweak, tweaks);
        while (1) {
            crypt_batch(keys, rounds, encrypts, tweaks, in + done, out + done);
            done += BATCH_BYTES;
            if (done == unit_bytes) return;
#pragma clang loop unroll(full)
            for (int i = 0; i < VECTORS; i++) tweaks[i] = next_batch(tweaks[i], polynomial);
            if (unit_bytes - done < BATCH_BYTES) break;
        }
        tweak = FIRST_LANE(tweaks[0]);
    }
    for (; done < unit_bytes; done += 16, tweak = next_tweak(tweak))
        crypt_block(keys, rounds, encrypts, tweak, in + done, out + done);
}

ALWAYS_INLINE void crypt_run(const x86_schedules *own, int rounds, int encrypts, cxts_number unit, size_t unit_bytes,
                             const uint8_t *in, uint8_t *out, size_t bytes) {
    const uint8_t(*keys)[16] = encrypts ? own->encrypt : own->decrypt;
    __m128i tweaks[TWEAKS];
    for (size_t done = 0, number = 0; done < bytes; done += unit_bytes, number++) {
        if (number % TWEAKS == 0) first_tweaks(own, rounds, &unit, tweaks);
        crypt_unit(keys, rounds, encrypts, tweaks[number % TWEAKS], unit_bytes, in + done, out + done);
    }
}

static cxts_status encrypt_run(void *context, cxts_number first, size_t unit_bytes, const uint8_t *in, uint8_t *out,
                               size_t bytes) {
    const x86_schedules *own = context;
    if (own->rounds == 14) crypt_run(own, 14, 1, first, unit_bytes, in, out, bytes);
    else crypt_run(own, 10, 1, first, unit_bytes, in, out, bytes);
    return CXTS_OK;
}

static cxts_status decrypt_run(void *context, cxts_number first, size_t unit_bytes, const uint8_t *in, uint8_t *out,
                               size_t bytes) {
    const x86_schedules *own = context;
    if (own->rounds == 14) crypt_run(own, 14, 0, first, unit_bytes, in, out, bytes);
    else crypt_run(own, 10, 0, first, unit_bytes, in, out, bytes);
    return CXTS_OK;
}

const cxts_kernel KERNEL = {NAME, cxts_x86_open, encrypt_run, decrypt_run, cxts_x86_close};
