/* The process that is captured: all that is known of it before it is held. */
#ifndef PYSPY_CAPTURE_SUBJECT_H
#define PYSPY_CAPTURE_SUBJECT_H

#include <sys/types.h>

#include "common/facts.h"
#include "common/locate.h"
#include "common/mappings.h"
#include "common/memory.h"
#include "common/modules.h"

struct subject {
	struct process_facts facts;
	struct mappings mappings;
	struct modules modules;
	struct memory *memory; /* live */
	struct python_location location;
	bool located; /* `location` is whole */
};

/* Look at the process as it is now. An all-zero struct is an empty subject. ERROR_NO_PROCESS,
 * ERROR_PERMISSION, ERROR_UNSUPPORTED for another kind of machine. */
struct error *subject_look(pid_t pid, struct subject *ret);
void subject_deinit(struct subject *subject);

/* Find its interpreter: locate_python(), whose errors it gives. */
struct error *subject_locate(struct subject *subject, bool exhaustive);

/* The file whose name says that this is some Python, recognised or not; NULL if there is none. */
const char *subject_python_hint(const struct subject *subject);

enum subject_change {
	SUBJECT_SAME = 0,
	SUBJECT_ENDED,
	SUBJECT_EXECUTED, /* it runs another program now, or the same one anew (execve(2)) */
};

/* Whether it is still what was looked at. `now` are its mappings as of now. */
enum subject_change subject_compare(const struct subject *subject, const struct mappings *now);
/* The same, with mappings read now. */
enum subject_change subject_check(const struct subject *subject);

/* "process 123 (python3)", cut to the size. */
enum { SUBJECT_NAME_SIZE = 96 };
void subject_name(const struct subject *subject, char text[SUBJECT_NAME_SIZE]);

/* PROGRAM-PID-TIME.zst in the current folder: the program's base name with what does not belong in
 * file names replaced, the time in UTC to the millisecond, without colons. NULL if out of memory.
 */
char *subject_file_name(const struct subject *subject);

#endif
