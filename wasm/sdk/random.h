/* Random numbers that are the same everywhere, from a seed that is any text: a 64-bit linear congruential generator
 * (Knuth's MMIX, The Art of Computer Programming 2, 3.3.4), of which the high bits are used. */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state;
};

/* FNV-1a (Fowler, Noll, Vo), a code point at a time. */
#define HASH_OF_NOTHING 0xCBF29CE484222325u
static inline uint64_t hash_codepoint(uint64_t hash, uint32_t codepoint) { return (hash ^ codepoint) * 0x100000001B3u; }

/* 0 to n - 1; n is at most 2^31. 31 random bits are scaled, not divided: no number is rarer by more than n / 2^31. */
static inline uint32_t random_below(struct random *random, uint32_t n) {
    random->state = random->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random->state >> 33) * n >> 31);
}

#endif
