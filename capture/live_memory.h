/* The memory of a live process, by process_vm_readv(2); gaps where that faults. */
#ifndef PYSPY_CAPTURE_LIVE_MEMORY_H
#define PYSPY_CAPTURE_LIVE_MEMORY_H

#include <sys/types.h>

#include "common/memory.h"

/* read_many is batched: at most 1024 ranges a call (process_vm_readv(2)), short reads continued. */
struct error *live_memory_create(pid_t pid, struct memory **ret);

#endif
