// XTS-AES over runs of data units (IEEE Std 1619-2018, NIST SP 800-38E), behind one table of functions that each
// kernel fills in. A kernel keeps everything it knows of a key inside the context that the caller gives it, which
// lies in locked memory; libcrypto's kernel keeps a pointer there, and the process decides where libcrypto allocates.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Room for a context of any kernel, bytes; aligned to 64.
enum { CXTS_CONTEXT_BYTES = 1024 };

/// Sizes of a data unit that a kernel must serve, bytes: multiples of 16 in this range.
enum { CXTS_UNIT_BYTES_MIN = 16, CXTS_UNIT_BYTES_MAX = 65536 };

typedef enum cxts_status {
    CXTS_OK = 0,
    CXTS_BAD_KEY_LENGTH = 1,  // not 32 (AES-128) or 64 (AES-256) bytes
    CXTS_EQUAL_HALVES = 2,    // key 1 = key 2: FIPS 140-3 IG C.I forbids it, and so do we
    CXTS_BAD_LENGTH = 3,      // a data unit size out of range, or a run that is no whole number of units
    CXTS_ENGINE_FAILED = 4,   // the library below reported an error
} cxts_status;

/// Number of the first data unit of a run, 128 bits; unit j of the run has number first + j. Volumes leave high 0.
typedef struct cxts_number {
    uint64_t low, high;
} cxts_number;

typedef cxts_status (*cxts_crypt)(void *context, cxts_number first, size_t unit_bytes, const uint8_t *in,
                                  uint8_t *out, size_t bytes);

typedef struct cxts_kernel {
    const char *name;
    /// Expands key 1 || key 2 into a context that one thread at a time may use.
    cxts_status (*open)(void *context, const uint8_t *key, size_t key_bytes);
    /// `in` and `out` are the same memory or do not overlap.
    cxts_crypt encrypt, decrypt;
    /// Wipes the context; one that never opened is all zero, and stays so.
    void (*close)(void *context);
} cxts_kernel;

/// The kernels that this processor can run, the preferred one first; NULL past the last.
const cxts_kernel *cxts_kernel_at(size_t index);

// The checked doors: what every kernel may rely on is checked here, once.
cxts_status cxts_open(const cxts_kernel *kernel, void *context, const uint8_t *key, size_t key_bytes);
cxts_status cxts_encrypt(const cxts_kernel *kernel, void *context, cxts_number first, size_t unit_bytes,
                         const uint8_t *in, uint8_t *out, size_t bytes);
cxts_status cxts_decrypt(const cxts_kernel *kernel, void *context, cxts_number first, size_t unit_bytes,
                         const uint8_t *in, uint8_t *out, size_t bytes);
void cxts_close(const cxts_kernel *kernel, void *context);
