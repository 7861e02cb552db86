/* The state in which a program leaves the processor's vector registers. */
#ifndef FONTGEN_VECTOR_REGISTERS_HH
#define FONTGEN_VECTOR_REGISTERS_HH

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace fontgen {

/* Clears the upper halves of the AVX registers, before guest code runs.
 *
 * Wasmtime's code computes with AVX instructions and reloads what it has spilled with SSE ones.  An
 * SSE instruction keeps the upper half of its register, so where a program has left something in
 * there (drawing code of Qt's does) each of these waits for the one before: a token took 40 times as
 * long in featherpad.  Callers have no use for the upper halves: the ABI gives them to the callee. */
static inline void clear_upper_halves ()
{
#if defined(__x86_64__)
  static int known = -1;	/* atomic; all threads find the same */
  int has_avx = __atomic_load_n (&known, __ATOMIC_RELAXED);
  if (has_avx < 0)
  {
    unsigned a, b, c = 0, d, enabled = 0;
    bool saved = __get_cpuid (1, &a, &b, &c, &d) && (c & (1u << 27));
    if (saved) __asm__ volatile ("xgetbv" : "=a" (enabled), "=d" (d) : "c" (0));
    has_avx = (c & (1u << 28)) && (enabled & 6) == 6;
    __atomic_store_n (&known, has_avx, __ATOMIC_RELAXED);
  }
  if (has_avx) __asm__ volatile ("vzeroupper");
#endif
}

} /* namespace fontgen */

#endif
