/* What is in an input: gathered once, shown as text or as JSON. */
#ifndef PYSPY_ANALYZE_INFO_H
#define PYSPY_ANALYZE_INFO_H

#include <stdio.h>

#include "analyze/native/native_module.h"
#include "analyze/target.h"

/* A process that a snapshot tells of. */
struct info_process {
	int32_t pid;
	int32_t parent_pid;
	uint64_t samples; /* 0: it is only known as a parent or a child */
	char *command;	  /* NULL if unknown */
};

struct info {
	const char *name;      /* of the input, borrowed */
	struct target *target; /* borrowed */
	uint64_t size_bytes;   /* of the file; 0 for a stream or if unknown */
	uint64_t mapped_bytes; /* all mappings together */
	struct python_location python;
	bool python_located;
	char *python_problem; /* why it was not, or why it cannot be decoded; NULL if it can */
	struct info_process *processes; /* ascending by pid; none for a core */
	size_t process_count;
	struct native_modules native; /* what was found for each module */
	bool has_statistics;	      /* a snapshot */
	struct snapshot_statistics statistics;
};

/* `name` and `target` are borrowed until the deinit. That no Python is there is no error. */
struct error *info_gather(const char *name, struct target *target, bool exhaustive,
			  struct info *ret);
void info_deinit(struct info *info);

struct error *info_write_text(FILE *stream, const struct info *info, bool color);
/* One line. */
struct error *info_write_json(FILE *stream, const struct info *info);

#endif
