/* Threads of the library: they take no signal that is meant for the program. */
#ifndef PYSPY_LIB_BACKGROUND_THREAD_H
#define PYSPY_LIB_BACKGROUND_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

struct error *background_thread_start(void *(*run)(void *argument), void *argument, pthread_t *ret);

/* A condition whose timed waits are by CLOCK_MONOTONIC. */
void monotonic_cond_init(pthread_cond_t *cond);
/* Wait until `until_ns`, or as long as it takes for UINT64_MAX; false once that time is over. */
bool monotonic_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t until_ns);

#endif
