/* Which of the processes that a file holds are meant. */
#ifndef PYSPY_ANALYZE_PROCESS_CHOICE_H
#define PYSPY_ANALYZE_PROCESS_CHOICE_H

#include "analyze/options.h"
#include "analyze/target.h"

/* Steps up to the nearest parent that the file has a sample of; 0 if there is none. */
size_t process_parent_distance(const struct target *target, const struct process_facts *facts);

/* The selected process. Without --pid and --subprocesses those that come from no other one are. */
bool process_is_chosen(const struct analyze_options *options, const struct target *target);

#endif
