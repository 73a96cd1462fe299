// The reference kernel: libcrypto's EVP, one call a data unit. It gets the distribution's security updates, and its
// key schedules lie where the process told libcrypto to allocate (CofferCrypto's LibcryptoMemory).
#include "kernels.h"

#include <openssl/evp.h>

typedef struct {
    EVP_CIPHER_CTX *encrypt, *decrypt;
} schedules;

static void close_schedules(void *context) {
    schedules *own = context;
    EVP_CIPHER_CTX_free(own->encrypt);
    EVP_CIPHER_CTX_free(own->decrypt);
    own->encrypt = own->decrypt = NULL;
}

static cxts_status open_schedules(void *context, const uint8_t *key, size_t key_bytes) {
    schedules *own = context;
    const EVP_CIPHER *cipher = key_bytes == 64 ? EVP_aes_256_xts() : EVP_aes_128_xts();
    own->encrypt = EVP_CIPHER_CTX_new();
    own->decrypt = EVP_CIPHER_CTX_new();
    if (own->encrypt && own->decrypt && EVP_EncryptInit_ex(own->encrypt, cipher, NULL, key, NULL) == 1 &&
        EVP_DecryptInit_ex(own->decrypt, cipher, NULL, key, NULL) == 1)
        return CXTS_OK;
    close_schedules(context);
    return CXTS_ENGINE_FAILED;
}

static cxts_status run(EVP_CIPHER_CTX *schedule, cxts_number unit, size_t unit_bytes, const uint8_t *in, uint8_t *out,
                       size_t bytes) {
    for (size_t done = 0; done < bytes; done += unit_bytes) {
        uint8_t tweak[16];
        for (int i = 0; i < 8; i++) {
            tweak[i] = (uint8_t)(unit.low >> (8 * i));
            tweak[8 + i] = (uint8_t)(unit.high >> (8 * i));
        }
        int put = 0;
        if (EVP_CipherInit_ex(schedule, NULL, NULL, NULL, tweak, -1) != 1 ||
            EVP_CipherUpdate(schedule, out + done, &put, in + done, (int)unit_bytes) != 1 || put != (int)unit_bytes)
            return CXTS_ENGINE_FAILED;
        if (++unit.low == 0) unit.high++;
    }
    return CXTS_OK;
}

static cxts_status encrypt_run(void *context, cxts_number first, size_t unit_bytes, const uint8_t *in, uint8_t *out,
                               size_t bytes) {
    return run(((schedules *)context)->encrypt, first, unit_bytes, in, out, bytes);
}

static cxts_status decrypt_run(void *context, cxts_number first, size_t unit_bytes, const uint8_t *in, uint8_t *out,
                               size_t bytes) {
    return run(((schedules *)context)->decrypt, first, unit_bytes, in, out, bytes);
}

const cxts_kernel cxts_libcrypto = {"libcrypto", open_schedules, encrypt_run, decrypt_run, close_schedules};
