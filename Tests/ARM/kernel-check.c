// The ARMv8 kernel against libcrypto's, on two processors: built for this machine it writes what libcrypto answers to a
// fixed series of questions; built for ARM it reads that and compares. tools/test-arm-kernel runs both.
#include "kernels.h"

#include <stdio.h>
#include <string.h>

static uint64_t state = 88172645463325252u;

/// Marsaglia's xorshift: the same series everywhere.
static uint64_t draw(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void fill(uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)(draw() >> 24);
}

#if defined(__aarch64__)
#define KERNEL cxts_armv8
#else
#define KERNEL cxts_libcrypto
#endif

int main(void) {
    static _Alignas(64) uint8_t context[CXTS_CONTEXT_BYTES];
    static uint8_t plaintext[1 << 18], ciphertext[(1 << 18) + 64], expected[1 << 18];
    long checks = 0;
    for (size_t key_bytes = 32; key_bytes <= 64; key_bytes += 32) {
        for (size_t unit = 16; unit <= 65536; unit = unit < 2048 ? unit + 16 : unit * 2) {
            uint8_t key[64];
            fill(key, sizeof key);
            size_t bytes = unit * (1 + draw() % (unit > 8192 ? 3 : 20)), shift = draw() % 64;
            cxts_number first = {draw() % 3 ? draw() : UINT64_MAX - 3, draw() % 2 ? draw() : UINT64_MAX};
            fill(plaintext, bytes);
            uint8_t *out = ciphertext + shift;
            if (KERNEL.open(context, key, key_bytes) != CXTS_OK ||
                KERNEL.encrypt(context, first, unit, plaintext, out, bytes) != CXTS_OK)
                return fprintf(stderr, "the kernel failed\n"), 1;
#if defined(__aarch64__)
            if (fread(expected, 1, bytes, stdin) != bytes) return fprintf(stderr, "too few answers\n"), 1;
            int same = memcmp(out, expected, bytes) == 0;
            KERNEL.decrypt(context, first, unit, out, out, bytes);
            if (!same || memcmp(out, plaintext, bytes) != 0)
                return fprintf(stderr, "units of %zu bytes, key of %zu: another answer\n", unit, key_bytes), 1;
            checks += 2;
#else
            fwrite(out, 1, bytes, stdout);
#endif
            KERNEL.close(context);
        }
    }
#if defined(__aarch64__)
    for (size_t i = 0; i < sizeof context; i++)
        if (context[i] != 0) return fprintf(stderr, "closing leaves key bytes\n"), 1;
    printf("%ld runs as libcrypto's\n", checks);
#else
    (void)checks, (void)expected;
#endif
    return fflush(stdout) != 0;
}
