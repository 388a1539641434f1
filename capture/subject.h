/* The process that is captured: all that is known of it before it is held. */
#ifndef PYSPY_CAPTURE_SUBJECT_H
#define PYSPY_CAPTURE_SUBJECT_H

#include <stdatomic.h>
#include <sys/types.h>

#include "common/facts.h"
#include "common/locate.h"
#include "common/mappings.h"
#include "common/memory.h"
#include "common/modules.h"

struct subject {
	atomic_uint references;
	struct process_facts facts;
	struct mappings mappings;
	struct modules modules;
	struct memory *memory; /* live */
	int image_fd;	       /* /proc/PID/mem, bound to the program's memory; -1: refused */
	struct python_location location;
	bool located; /* `location` is whole */
};

/* Look at the process as it is now. ERROR_NO_PROCESS, ERROR_PERMISSION, ERROR_UNSUPPORTED for
 * another kind of machine. */
struct error *subject_look(pid_t pid, struct subject **ret);
/* A further holder: what is being written of a process can outlive its capture. Each thread that
 * holds it reads only, once it is located. */
struct subject *subject_hold(struct subject *subject);
void subject_release(struct subject *subject);
void subject_releasep(struct subject **subject);

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
/*
 * Whether the memory that was looked at is in use still: neither execve(2) nor the end of the
 * process was since. One cheap call; false where the kernel refuses to tell.
 */
bool subject_image_lives(const struct subject *subject);

/* Read the mappings again, and the modules if other files are mapped than before: for who looks at
 * one process for long, and holds it alone. */
struct error *subject_refresh(struct subject *subject);

/* Whether other code is mapped now than when it was looked at, of files or made by the process. */
bool subject_has_other_code(const struct subject *subject);

/* "process 123 (python3)", cut to the size. */
enum { SUBJECT_NAME_SIZE = 96 };
void subject_name(const struct subject *subject, char text[SUBJECT_NAME_SIZE]);

/* PROGRAM-PID-TIME.zst in the current folder: the program's base name with what does not belong in
 * file names replaced, the time in UTC to the millisecond, without colons. NULL if out of memory.
 */
char *subject_file_name(const struct subject *subject);

#endif
