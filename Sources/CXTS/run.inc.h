// A run of data units, written once over a vector of LANES AES blocks. A kernel defines LANES, `vec`, the small
// functions over them and `tweak_source` before it includes this, and the whole stands within a `#pragma clang
// attribute` that names the instructions.
//
//   block j of unit n:  C = E(K1, P ^ T) ^ T,   T = E(K2, n) * alpha^j   in GF(2^128) mod x^128 + x^7 + x^2 + x + 1
//
// A batch is eight vectors, whose rounds have no need of each other: that covers the latency of the AES instructions.
// While they go on, the other execution units make the tweaks of the next batch, one vector a round. E(K2, n) is one
// long chain, so that as many of them are made at once as a batch has blocks.
//
// Round keys are loaded where they are used and stand in registers; whether one is put on the stack is the compiler's
// affair, and clang's optimised code does not. What a run leaves on the stack are tweaks, and in vector registers the
// last keys and data.

enum { BATCH_BLOCKS = BATCH * LANES, BATCH_BYTES = BATCH_BLOCKS * 16 };

/// The tweaks of a batch, with nothing else to do meanwhile.
INLINE void make_tweaks(tweak_source *source, next_batch next, block first, vec *tweaks) {
    begin_batch(source, next, first);
    UNROLLED for (int i = 0; i < BATCH; i++) tweaks[PLACE(i)] = next_tweak(source, next, i);
}

/// One batch from `in` to `out`, and the tweaks of the next.
INLINE void crypt_batch(const block *keys, int rounds, int encrypts, tweak_source *source, const vec *tweaks,
                        vec *next_tweaks, next_batch next, block next_first, const uint8_t *in, uint8_t *out) {
    LOADED_HERE(keys);
    vec data[BATCH];
    const vec whitener = first_key(keys);
    UNROLLED for (int i = 0; i < BATCH; i++)
        data[i] = whitened(xor(load(in + i * sizeof(vec)), tweaks[i]), whitener);
    begin_batch(source, next, next_first);
    UNROLLED for (int round = 1; round < rounds; round++) {
        const vec key = round_key(keys, round);
        UNROLLED for (int i = 0; i < BATCH; i++) data[i] = cipher_round(encrypts, data[i], key);
        if (round <= BATCH) next_tweaks[PLACE(round - 1)] = next_tweak(source, next, round - 1);
    }
    UNROLLED for (int i = 0; i < BATCH; i++)
        store(out + i * sizeof(vec), last_round(encrypts, data[i], keys, rounds, tweaks[i]));
}

/// All rounds but the last of `count` vectors, with nothing else to do meanwhile.
INLINE void cipher_rounds(const block *keys, int rounds, int encrypts, vec *data, int count) {
    UNROLLED for (int round = 1; round < rounds; round++) {
        const vec key = round_key(keys, round);
        UNROLLED for (int i = 0; i < count; i++) data[i] = cipher_round(encrypts, data[i], key);
    }
}

/// `count` vectors from place `done` on, if so many are left of `bytes`; gives the new place.
INLINE size_t crypt_vectors(const block *keys, int rounds, int encrypts, const vec *tweaks, const uint8_t *in,
                            uint8_t *out, size_t done, size_t bytes, int count) {
    if (bytes - done < count * sizeof(vec)) return done;
    LOADED_HERE(keys);
    vec data[BATCH];
    const vec whitener = first_key(keys);
    in += done, out += done, tweaks += done / sizeof(vec);
    for (int i = 0; i < count; i++) data[i] = whitened(xor(load(in + i * sizeof(vec)), tweaks[i]), whitener);
    cipher_rounds(keys, rounds, encrypts, data, count);
    for (int i = 0; i < count; i++)
        store(out + i * sizeof(vec), last_round(encrypts, data[i], keys, rounds, tweaks[i]));
    return done + count * sizeof(vec);
}

/// What a unit has after its last whole batch.
INLINE void crypt_end(const block *keys, int rounds, int encrypts, const vec *tweaks, const uint8_t *in, uint8_t *out,
                      size_t bytes) {
    size_t done = crypt_vectors(keys, rounds, encrypts, tweaks, in, out, 0, bytes, 4);
    done = crypt_vectors(keys, rounds, encrypts, tweaks, in, out, done, bytes, 2);
    done = crypt_vectors(keys, rounds, encrypts, tweaks, in, out, done, bytes, 1);
#if LANES > 1
    for (const block *blocks = (const void *)tweaks; done < bytes; done += 16)
        crypt_block(keys, rounds, encrypts, blocks[done / 16], in + done, out + done);
#endif
}

/// `count` vectors of E(K2, number), E(K2, number + 1) and so on.
INLINE void encrypt_numbers(const block *keys, int rounds, unsigned __int128 number, vec *firsts, int count) {
    LOADED_HERE(keys);
    vec data[BATCH];
    const vec whitener = first_key(keys), no_tweak = {0};
    for (int i = 0; i < count; i++) data[i] = whitened(numbers_from(number + (unsigned)(i * LANES)), whitener);
    cipher_rounds(keys, rounds, 1, data, count);
    for (int i = 0; i < count; i++) firsts[i] = last_round(1, data[i], keys, rounds, no_tweak);
}

INLINE void crypt_units(const expanded_keys *context, int rounds, int encrypts, cxts_number first, size_t unit_bytes,
                        const uint8_t *in, uint8_t *out, size_t bytes) {
    const block *keys = encrypts ? context->encrypt : context->decrypt;
    unsigned __int128 number = (unsigned __int128)first.high << 64 | first.low;
    tweak_source source;
    vec firsts[BATCH], tweaks[2][BATCH], *now = tweaks[0], *later = tweaks[1];
    for (size_t units = bytes / unit_bytes, count; units > 0; units -= count, number += count) {
        count = units < BATCH_BLOCKS ? units : BATCH_BLOCKS;
        if (count > 2 * LANES)
            encrypt_numbers(context->tweak, rounds, number, firsts, BATCH);
        else
            encrypt_numbers(context->tweak, rounds, number, firsts, 2);
        const block *unit_first = (const void *)firsts;
        make_tweaks(&source, START, unit_first[0], now);
        for (size_t unit = 1; unit <= count; unit++) {
            // The last of them has no next; what is made for it is never used.
            const block next_first = unit_first[unit < count ? unit : 0];
            for (size_t left = unit_bytes; left > 0;) {
                vec *swap = now;
                if (left > BATCH_BYTES) {
                    crypt_batch(keys, rounds, encrypts, &source, now, later, STEP, next_first, in, out);
                } else if (left == BATCH_BYTES) {
                    crypt_batch(keys, rounds, encrypts, &source, now, later, START, next_first, in, out);
                } else {
                    crypt_end(keys, rounds, encrypts, now, in, out, left);
                    make_tweaks(&source, START, next_first, later);
                }
                const size_t taken = left < BATCH_BYTES ? left : BATCH_BYTES;
                in += taken, out += taken, left -= taken;
                now = later, later = swap;
            }
        }
    }
}

// Four bodies: the rounds and the direction are constants in each, so that no loop over rounds is left.
static cxts_status encrypt_run(void *context, cxts_number first, size_t unit_bytes, const uint8_t *in, uint8_t *out,
                               size_t bytes) {
    const expanded_keys *keys = context;
    if (keys->rounds == 14)
        crypt_units(keys, 14, 1, first, unit_bytes, in, out, bytes);
    else
        crypt_units(keys, 10, 1, first, unit_bytes, in, out, bytes);
    return CXTS_OK;
}

static cxts_status decrypt_run(void *context, cxts_number first, size_t unit_bytes, const uint8_t *in, uint8_t *out,
                               size_t bytes) {
    const expanded_keys *keys = context;
    if (keys->rounds == 14)
        crypt_units(keys, 14, 0, first, unit_bytes, in, out, bytes);
    else
        crypt_units(keys, 10, 0, first, unit_bytes, in, out, bytes);
    return CXTS_OK;
}
