/* A process and its parents as the library's users see them: shared by all traces of the process,
 * counted, so that it lives as long as the last of them. */
#ifndef PYSPY_LIB_PROCESS_RECORD_H
#define PYSPY_LIB_PROCESS_RECORD_H

#include "common/facts.h"
#include "include/pyspy.h"

/* Of a process and its ancestors, as the facts have them. The result is owned by the caller, once.
 */
struct error *process_record_create(const struct process_facts *facts,
				    struct pyspy_process_info **ret);
/* One owner more; any thread. */
struct pyspy_process_info *process_record_share(struct pyspy_process_info *process);
/* One owner less; NULL is fine. */
void process_record_release(struct pyspy_process_info *process);

/* Put the parents of a live process into its facts. */
struct error *process_record_find_parents(struct process_facts *facts);

#endif
