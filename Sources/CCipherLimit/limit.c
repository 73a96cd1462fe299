#include "ccipherlimit.h"

// An empty assembly that claims to change a register keeps the compiler from folding, moving or dropping work.

#if defined(__x86_64__)
#include <immintrin.h>

#define LIMIT(NAME, TARGET, VECTOR, ZERO, ROUND, LOW)                                                              \
    __attribute__((target(TARGET))) static uint64_t NAME(uint64_t rounds) {                                        \
        VECTOR a = ZERO, b = a, c = a, d = a, e = a, f = a, g = a, h = a, key = a;                                 \
        for (uint64_t i = 0; i < rounds; i++) {                                                                    \
            __asm__ volatile("" : "+x"(key));                                                                      \
            a = ROUND(a, key), b = ROUND(b, key), c = ROUND(c, key), d = ROUND(d, key);                            \
            e = ROUND(e, key), f = ROUND(f, key), g = ROUND(g, key), h = ROUND(h, key);                            \
            __asm__ volatile("" : "+x"(a), "+x"(b), "+x"(c), "+x"(d), "+x"(e), "+x"(f), "+x"(g), "+x"(h));         \
        }                                                                                                          \
        return (uint64_t)(LOW(a) ^ LOW(b) ^ LOW(c) ^ LOW(d) ^ LOW(e) ^ LOW(f) ^ LOW(g) ^ LOW(h));                  \
    }

#define LOW_128(v) _mm_cvtsi128_si64(v)
#define LOW_256(v) _mm_cvtsi128_si64(_mm256_castsi256_si128(v))
#define LOW_512(v) _mm_cvtsi128_si64(_mm512_castsi512_si128(v))
LIMIT(rounds_128, "aes,sse4.1", __m128i, _mm_setzero_si128(), _mm_aesenc_si128, LOW_128)
LIMIT(rounds_256, "avx2,vaes", __m256i, _mm256_setzero_si256(), _mm256_aesenc_epi128, LOW_256)
LIMIT(rounds_512, "avx512f,vaes", __m512i, _mm512_setzero_si512(), _mm512_aesenc_epi128, LOW_512)

int cipherlimit_lanes(void) {
    if (!__builtin_cpu_supports("aes")) return 0;
    if (!__builtin_cpu_supports("vaes") || !__builtin_cpu_supports("avx2")) return 1;
    return __builtin_cpu_supports("avx512f") ? 4 : 2;
}

uint64_t cipherlimit_rounds(uint64_t rounds) {
    switch (cipherlimit_lanes()) {
    case 4: return rounds_512(rounds);
    case 2: return rounds_256(rounds);
    case 1: return rounds_128(rounds);
    default: return 0;
    }
}

#define STEP "add $1, %0\n\t"
#elif defined(__aarch64__)
#include <arm_neon.h>
#include <sys/auxv.h>

int cipherlimit_lanes(void) { return (getauxval(AT_HWCAP) & HWCAP_AES) != 0; }

__attribute__((target("aes"))) uint64_t cipherlimit_rounds(uint64_t rounds) {
    if (cipherlimit_lanes() == 0) return 0;
    uint8x16_t v[CIPHERLIMIT_VECTORS] = {0}, key = {0};
    for (uint64_t i = 0; i < rounds; i++) {
#pragma clang loop unroll(full)
        for (int j = 0; j < CIPHERLIMIT_VECTORS; j++) {
            v[j] = vaesmcq_u8(vaeseq_u8(v[j], key));
            __asm__ volatile("" : "+w"(v[j]));
        }
    }
    uint64_t sum = 0;
    for (int j = 0; j < CIPHERLIMIT_VECTORS; j++) sum ^= vgetq_lane_u64(vreinterpretq_u64_u8(v[j]), 0);
    return sum;
}

#define STEP "add %0, %0, #1\n\t"
#endif

uint64_t cipherlimit_cycles(uint64_t count) {
    uint64_t value = 0;
    for (uint64_t i = 0; i < count / 16; i++)
        __asm__ volatile(STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP : "+r"(value));
    return value;
}
