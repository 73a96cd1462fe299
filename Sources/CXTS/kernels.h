#pragma once
#include "cxts.h"

extern const cxts_kernel cxts_libcrypto;
