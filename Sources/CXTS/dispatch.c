#include "kernels.h"

#include <openssl/crypto.h>

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

typedef struct {
    const cxts_kernel *kernel;
    int runs_here;
} candidate;

/// The preferred ones first. The compiler's runtime, which answers here, reports AVX2 and AVX-512 only where the
/// operating system saves their registers (XGETBV).
static void find(candidate *candidates) {
    size_t n = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    int aes = __builtin_cpu_supports("aes") && __builtin_cpu_supports("sse4.1");
    int wide = aes && __builtin_cpu_supports("vaes") && __builtin_cpu_supports("vpclmulqdq");
    candidates[n++] = (candidate){&cxts_vaes512, wide && __builtin_cpu_supports("avx512f") &&
                                                     __builtin_cpu_supports("avx512bw") &&
                                                     __builtin_cpu_supports("avx512vl")};
    candidates[n++] = (candidate){&cxts_vaes256, wide && __builtin_cpu_supports("avx2")};
    candidates[n++] = (candidate){&cxts_aesni, aes};
#elif defined(__aarch64__)
    candidates[n++] = (candidate){&cxts_armv8, (getauxval(AT_HWCAP) & HWCAP_AES) != 0};
#endif
    candidates[n++] = (candidate){&cxts_libcrypto, 1};
}

const cxts_kernel *cxts_kernel_at(size_t index) {
    candidate candidates[4] = {{0}};
    find(candidates);
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++)
        if (candidates[i].runs_here && index-- == 0) return candidates[i].kernel;
    return NULL;
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
