#include "kernels.h"

#include <openssl/crypto.h>
#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

// The fastest first. Whether the processor has an instruction, and the system keeps its registers, is asked by CPUID
// and XGETBV, or of the kernel.
static int runs(const cxts_kernel *kernel) {
#if defined(__x86_64__)
    int aes = __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
    int vaes = aes && __builtin_cpu_supports("vaes") && __builtin_cpu_supports("vpclmulqdq");
    if (kernel == &cxts_vaes512)
        return vaes && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (kernel == &cxts_vaes256) return vaes && __builtin_cpu_supports("avx2");
    if (kernel == &cxts_aesni) return aes;
#elif defined(__aarch64__)
    if (kernel == &cxts_armv8) return (getauxval(AT_HWCAP) & HWCAP_AES) != 0;
#endif
    return kernel == &cxts_libcrypto;
}

static const cxts_kernel *const kernels[] = {
#if defined(__x86_64__)
    &cxts_vaes512, &cxts_vaes256, &cxts_aesni,
#elif defined(__aarch64__)
    &cxts_armv8,
#endif
    &cxts_libcrypto,
};

const cxts_kernel *cxts_kernel_at(size_t index) {
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++)
        if (runs(kernels[i]) && index-- == 0) return kernels[i];
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
