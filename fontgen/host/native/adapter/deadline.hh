/* The time limit: compiled code compares an epoch with its deadline at loop heads and function
 * entries, and a thread advances the epoch while any call is running. */
#ifndef FONTGEN_DEADLINE_HH
#define FONTGEN_DEADLINE_HH

#include <stdint.h>

namespace fontgen {

enum { TICK_MS = 10 };

/* Bracket one call into a guest; they nest and may come from any thread.  Cheap while ticks run. */
void begin_ticking ();
void end_ticking ();

/* One limit for all that hb_shape() has to wait for on its thread: compiling, start functions, the
 * guest's own malloc(), each attempt.  Brackets such a wait; of nested ones the outermost counts. */
struct waiting_t {
  waiting_t ();
  ~waiting_t ();
};

/* Milliseconds that the running call of hb_shape() has waited, and may still wait: infinite without a limit. */
double time_spent ();
double time_left ();

/* That call is over.  The next one has the whole limit again. */
void forget_time_spent ();

/* How many epochs ahead a deadline of that many milliseconds is, never shorter. */
inline uint64_t ticks_for (double milliseconds)
{ return (uint64_t) ((milliseconds > 0 ? milliseconds : 0) / TICK_MS) + 2; }

/* Once, before the first call. */
void prepare_ticking ();

} /* namespace fontgen */

#endif
