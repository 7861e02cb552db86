#include "deadline.hh"
#include "background_thread.hh"
#include "engine.hh"
#include "settings.hh"

#include <math.h>
#include <pthread.h>
#include <time.h>

namespace fontgen {

/* Typing makes a short call now and then: after this many ticks without one the thread sleeps for
 * good, so an idle program is not woken a hundred times a second. */
enum { IDLE_TICKS = 50 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static unsigned running_calls;	/* atomic */
static unsigned asleep = 1;	/* atomic; whether the thread waits for `wake`, or there is none */
static bool thread_exists;	/* under the mutex */

static void *tick (void *)
{
  unsigned idle = 0;
  for (;;)
  {
    const struct timespec pause = {0, TICK_MS * 1000000};
    nanosleep (&pause, nullptr);
    wasmtime.wasmtime_engine_increment_epoch (engine ());
    if (__atomic_load_n (&running_calls, __ATOMIC_SEQ_CST)) { idle = 0; continue; }
    if (++idle < IDLE_TICKS) continue;

    pthread_mutex_lock (&mutex);
    __atomic_store_n (&asleep, 1, __ATOMIC_SEQ_CST);
    /* A call that began before the store saw "awake", but is counted, and is seen here. */
    while (!__atomic_load_n (&running_calls, __ATOMIC_SEQ_CST)) pthread_cond_wait (&wake, &mutex);
    __atomic_store_n (&asleep, 0, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock (&mutex);
    idle = 0;
  }
  return nullptr;
}

static void wake_thread ()
{
  pthread_mutex_lock (&mutex);
  if (!thread_exists)
  {
    thread_exists = start_background_thread (tick, nullptr, 0);
    if (thread_exists) __atomic_store_n (&asleep, 0, __ATOMIC_SEQ_CST);
    else trace ("no thread for the time limit: guests run without one");
  }
  pthread_cond_signal (&wake);
  pthread_mutex_unlock (&mutex);
}

void begin_ticking ()
{
  __atomic_add_fetch (&running_calls, 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n (&asleep, __ATOMIC_SEQ_CST)) wake_thread ();
}

void end_ticking () { __atomic_sub_fetch (&running_calls, 1, __ATOMIC_SEQ_CST); }

static __thread double spent, since;
static __thread unsigned n_waiting;

waiting_t::waiting_t () { if (!n_waiting++) since = now_ms (); }
waiting_t::~waiting_t () { if (!--n_waiting) spent += now_ms () - since; }

double time_spent () { return spent + (n_waiting ? now_ms () - since : 0); }

double time_left ()
{
  const unsigned limit = settings ().timeout_ms;
  return limit ? limit - time_spent () : HUGE_VAL;
}

void forget_time_spent () { if (!n_waiting) spent = 0; }

/* Threads do not survive fork(), and the mutex may have been held by one of them. */
static void after_fork ()
{
  mutex = PTHREAD_MUTEX_INITIALIZER;
  wake = PTHREAD_COND_INITIALIZER;
  thread_exists = false;
  running_calls = 0;
  asleep = 1;
}

void prepare_ticking () { pthread_atfork (nullptr, nullptr, after_fork); }

} /* namespace fontgen */
