/* What a snapshot's log has changed of a process from one look at it to the next. */
#ifndef PYSPY_FORMATS_SNAPSHOT_TOUCHED_H
#define PYSPY_FORMATS_SNAPSHOT_TOUCHED_H

#include "formats/touched_ranges.h"

struct snapshot_touched {
	bool everything; /* the ranges do not tell: any of the memory can be another one */
	/* Facts that were told again; equal ones too. */
	bool process; /* its facts, or those of its parents */
	bool maps;
	bool modules;
	bool python;
	/* Memory that was written or dropped, in the order of the log. */
	const struct touched_range *ranges;
	size_t count;
};

#endif
