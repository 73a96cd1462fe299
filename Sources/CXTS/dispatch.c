#include "kernels.h"

#include <openssl/crypto.h>

static const cxts_kernel *const kernels[] = {&cxts_libcrypto};

const cxts_kernel *cxts_kernel_at(size_t index) {
    return index < sizeof kernels / sizeof kernels[0] ? kernels[index] : NULL;
}

cxts_status cxts_open(const cxts_kernel *kernel, void *context, const uint8_t *key, size_t key_bytes) {
    if (key_bytes != 32 && key_bytes != 64) return CXTS_BAD_KEY_LENGTH;
    if (CRYPTO_memcmp(key, key + key_bytes / 2, key_bytes / 2) == 0) return CXTS_EQUAL_HALVES;
    return kernel->open(context, key, key_bytes);
}

static int fits(size_t unit_bytes, size_t bytes) {
    return unit_bytes >= CXTS_UNIT_BYTES_MIN && unit_bytes <= CXTS_UNIT_BYTES_MAX && unit_bytes % 16 == 0 &&
           bytes % unit_bytes == 0;
}

cxts_status cxts_encrypt(const cxts_kernel *kernel, void *context, cxts_number first, size_t unit_bytes,
                         const uint8_t *in, uint8_t *out, size_t bytes) {
    if (!fits(unit_bytes, bytes)) return CXTS_BAD_LENGTH;
    return kernel->encrypt(context, first, unit_bytes, in, out, bytes);
}

cxts_status cxts_decrypt(const cxts_kernel *kernel, void *context, cxts_number first, size_t unit_bytes,
                         const uint8_t *in, uint8_t *out, size_t bytes) {
    if (!fits(unit_bytes, bytes)) return CXTS_BAD_LENGTH;
    return kernel->decrypt(context, first, unit_bytes, in, out, bytes);
}

void cxts_close(const cxts_kernel *kernel, void *context) { kernel->close(context); }
