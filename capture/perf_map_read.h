/* The perf map of a live process: what the code that it made itself is called. */
#ifndef PYSPY_CAPTURE_PERF_MAP_READ_H
#define PYSPY_CAPTURE_PERF_MAP_READ_H

#include "common/facts.h"
#include "formats/module_image.h"

/*
 * Read what the process has added to the map in the /tmp of its own root since it had `known`
 * bytes, as an image for its snapshot; all of the map if it has become shorter. `ret_found` is
 * false if there is nothing new that can be trusted: a regular file of the process's user, no older
 * than the process. Only running out of memory is an error. `ret` is always to be deinitialised.
 */
struct error *perf_map_read(const struct process_facts *process, uint64_t known,
			    struct module_image *ret, bool *ret_found);

#endif
