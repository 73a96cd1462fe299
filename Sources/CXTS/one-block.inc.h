// Tweaks for the kernels whose vector is one AES block, over their `by_alpha`: each is made from the one before, all
// through a unit, wherever a batch begins.

/// The tweak of the next block.
typedef struct {
    vec next;
} tweak_source;

#define PLACE(i) (i)

INLINE void begin_batch(tweak_source *source, next_batch next, block first) {
    if (next == START) source->next = first;
}

INLINE vec next_tweak(tweak_source *source, next_batch next, int i) {
    (void)next, (void)i;
    const vec tweak = source->next;
    source->next = by_alpha(tweak);
    return tweak;
}
