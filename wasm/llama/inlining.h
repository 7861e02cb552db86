/* What the compiler is to write into its callers, and what not. */
#ifndef INLINING_H
#define INLINING_H

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Hot loops in functions of their own, apart from what a model does not need. Browsers compile a function anew once it
 * is hot, and whole: in V8 that took a third of the first second's time. */
#define NEVER_INLINE __attribute__((noinline))

#endif
