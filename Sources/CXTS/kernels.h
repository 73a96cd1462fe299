#pragma once
#include "cxts.h"

extern const cxts_kernel cxts_libcrypto;
#if defined(__x86_64__)
extern const cxts_kernel cxts_vaes512, cxts_vaes256, cxts_aesni;
#elif defined(__aarch64__)
extern const cxts_kernel cxts_armv8;
#endif
