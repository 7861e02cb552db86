#include "background_thread.hh"

#include <pthread.h>
#ifndef _WIN32
#include <signal.h>
#endif

namespace fontgen {

bool start_background_thread (void *(*work) (void *), void *argument, size_t stack_bytes)
{
  pthread_attr_t attributes;
  pthread_attr_init (&attributes);
  pthread_attr_setdetachstate (&attributes, PTHREAD_CREATE_DETACHED);
  if (stack_bytes) pthread_attr_setstacksize (&attributes, stack_bytes);

  pthread_t thread;
#ifdef _WIN32
  bool started = !pthread_create (&thread, &attributes, work, argument);
#else
  /* A thread begins with the signal mask of the one that makes it. */
  sigset_t all, before;
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  bool started = !pthread_create (&thread, &attributes, work, argument);
  pthread_sigmask (SIG_SETMASK, &before, nullptr);
#endif
  pthread_attr_destroy (&attributes);
  return started;
}

} /* namespace fontgen */
