// What this processor's AES units and clock can do at most, for measurements: the limits that a cipher is held against.
#pragma once
#include <stdint.h>

/// Blocks in the widest vector that this processor has AES rounds for: 4, 2 or 1; 0 without AES instructions.
int cipherlimit_lanes(void);

/// Runs `rounds` AES rounds over each of CIPHERLIMIT_VECTORS vectors of that width, held in registers, none of which
/// waits for another. Gives a value that depends on all of them.
uint64_t cipherlimit_rounds(uint64_t rounds);

enum { CIPHERLIMIT_VECTORS = 8 };

/// Runs `count` operations of one clock cycle, each of which waits for the one before.
uint64_t cipherlimit_cycles(uint64_t count);
