/* The records of the snapshot container: which field of which struct has which key. */
#ifndef PYSPY_FORMATS_SNAPSHOT_FIELDS_H
#define PYSPY_FORMATS_SNAPSHOT_FIELDS_H

#include "formats/snapshot_record.h"

/* The HEADER chunk. */
struct snapshot_header {
	char *name;		 /* SNAPSHOT_NAME */
	char *writer;		 /* program and version */
	uint64_t time_ns;	 /* wall clock, since 1970, when the epoch began */
	uint64_t samples_before; /* in this log, before this epoch */
};

/* The SAMPLE chunk: struct sample_facts and what only the file has. */
struct snapshot_sample_extra {
	bool has_elapsed;
	uint64_t elapsed_ns;
};

extern const struct record_table snapshot_header_table;
extern const struct record_table snapshot_counts_table;	 /* struct sample_counts */
extern const struct record_table snapshot_process_table; /* struct process_facts */
extern const struct record_table snapshot_mapping_table; /* struct mapping */
extern const struct record_table snapshot_module_table;	 /* struct module */
extern const struct record_table snapshot_python_table;	 /* struct python_location */
extern const struct record_table snapshot_thread_table;	 /* struct thread_facts */
extern const struct record_table snapshot_sample_table;	 /* struct sample_facts */
extern const struct record_table snapshot_sample_extra_table;

#endif
