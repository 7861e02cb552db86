/* Threads of the adapter's own beside the program's. */
#ifndef FONTGEN_BACKGROUND_THREAD_HH
#define FONTGEN_BACKGROUND_THREAD_HH

#include <stddef.h>

namespace fontgen {

/* Starts `work (argument)` in a detached thread that receives none of the program's signals; false
 * where there is no thread to be had.  `stack_bytes` of 0 is the system's default. */
bool start_background_thread (void *(*work) (void *), void *argument, size_t stack_bytes);

} /* namespace fontgen */

#endif
