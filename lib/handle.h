/* What the library's own parts use of a handle. */
#ifndef PYSPY_LIB_HANDLE_H
#define PYSPY_LIB_HANDLE_H

#include <stdatomic.h>

#include "lib/trace_list.h"

/* `config` is checked; retrying goes on for its wait_ns at least. With `stop`, which another thread
 * can set, it ends early. */
struct error *handle_open_retry(int32_t pid, const struct pyspy_config *config, unsigned retries,
				const atomic_bool *stop, struct pyspy **ret);
/* None, and no error, if there is no thread that is asked for. */
struct error *handle_get_traces(struct pyspy *spy, bool without_idle, struct pyspy_traces **ret);
void handle_closep(struct pyspy **spy);

/* The process that it was opened for; 0 for a file. */
int32_t handle_pid(const struct pyspy *spy);

#endif
