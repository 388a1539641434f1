/*
 * Finds the processes that come from one that is sampled, in a thread of its own: looking at all
 * processes takes too long between two samples. Those that are Python are opened; those that are
 * not are tried again when they run another program.
 */
#ifndef PYSPY_LIB_SCOUT_H
#define PYSPY_LIB_SCOUT_H

#include <sys/types.h>

#include "common/facts.h"
#include "include/pyspy.h"

struct scout;

/* `config` is checked and copied; its texts are not used. */
struct error *scout_create(const struct process_facts *root, const struct pyspy_config *config,
			   struct scout **ret);
void scout_destroy(struct scout *scout);

/* The next process that was found and opened, owned by the caller; NULL if there is none now. */
struct pyspy *scout_take(struct scout *scout);
/* How often all processes have been looked at from beginning to end. */
uint64_t scout_passes(struct scout *scout);

#endif
