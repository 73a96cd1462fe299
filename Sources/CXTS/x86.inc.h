// What the x86 kernels say of the instructions, over the `broadcast`, `xor` and `encrypt_round` and so on of their
// vector: AESENC and AESDEC add a round key last, so that the first is added beforehand, and the tweak goes in with
// the last.

INLINE vec first_key(const block *keys) { return broadcast(keys[0]); }
INLINE vec whitened(vec data, vec key) { return xor(data, key); }
INLINE vec round_key(const block *keys, int round) { return broadcast(keys[round]); }

INLINE vec cipher_round(int encrypts, vec data, vec key) {
    return encrypts ? encrypt_round(data, key) : decrypt_round(data, key);
}

INLINE vec last_round(int encrypts, vec data, const block *keys, int rounds, vec tweak) {
    const vec key = xor(broadcast(keys[rounds]), tweak);
    return encrypts ? encrypt_last(data, key) : decrypt_last(data, key);
}

#if LANES > 1
/// One AES block: what no whole vector is left for.
INLINE void crypt_block(const block *keys, int rounds, int encrypts, block tweak, const uint8_t *in, uint8_t *out) {
    LOADED_HERE(keys);
    block data = _mm_xor_si128(_mm_xor_si128(_mm_loadu_si128((const void *)in), tweak), keys[0]);
    UNROLLED for (int round = 1; round < rounds; round++)
        data = encrypts ? _mm_aesenc_si128(data, keys[round]) : _mm_aesdec_si128(data, keys[round]);
    const block key = _mm_xor_si128(keys[rounds], tweak);
    data = encrypts ? _mm_aesenclast_si128(data, key) : _mm_aesdeclast_si128(data, key);
    _mm_storeu_si128((void *)out, data);
}
#endif
