/*
 * Following the frames of a snapshot's log from its beginning: which of them may be used, and what
 * was lost between them. The catalog and forward reading both go by it.
 */
#ifndef PYSPY_FORMATS_SNAPSHOT_FOLLOW_H
#define PYSPY_FORMATS_SNAPSHOT_FOLLOW_H

#include "formats/snapshot_losses.h"
#include "formats/snapshot_roster.h"
#include "formats/snapshot_scan.h"

/* A place where something is wrong, until it is known what it cost. */
struct follow_incident {
	bool open;
	bool cut;
	uint64_t offset;
	uint64_t end;
	uint64_t samples; /* seen, but of no use */
	const char *problem;
};

/* What is behind a frame that cannot be used is being searched. */
struct follow_search {
	bool active;
	uint64_t next;	 /* searched up to here */
	uint64_t offset; /* of the frame */
	enum frame_status status;
	bool at_end; /* it reaches up to the end of the input, or would reach beyond it */
	const char *problem;
};

struct snapshot_follow {
	struct snapshot_scan *scan; /* borrowed */
	const char *name;	    /* borrowed */
	/* Of the frames so far. */
	uint64_t frame_count;
	uint64_t sample_count;
	uint64_t unknown_chunks;
	uint32_t epoch_count;
	uint32_t version;
	bool ended;	  /* the last one has an end chunk */
	bool cut;	  /* the file ends within a frame */
	bool unsupported; /* something in it needs a newer program */
	struct snapshot_losses losses;
	/* What the logs say of their samples: of those before, and of this one. */
	struct sample_counts counts_before;
	struct sample_counts counts;
	bool has_counts;
	uint64_t chunk_bytes[SNAPSHOT_CHUNK_COUNT]; /* by type, before they were compressed */
	/* Where it is. */
	uint64_t offset;
	uint64_t skipped;     /* the last skippable frame */
	uint64_t whole_bytes; /* up to the end of the last whole frame */
	struct follow_incident incident;
	struct follow_search search;
	bool has_log;
	bool usable; /* all that the epoch's next frame needs was read */
	uint32_t log_number;
	uint32_t epoch;
	uint32_t next_frame;
	uint32_t next_ordinary;
	uint64_t log_samples; /* in this log so far, those lost included */
};

/* An all-zero struct but for `scan` and `name` is at the beginning. */
void snapshot_follow_deinit(struct snapshot_follow *follow);

enum follow_status {
	FOLLOW_FRAME, /* a frame to be used; its content is the scan's */
	FOLLOW_WAIT,  /* the input has no more now: only for a stream that does not wait */
	FOLLOW_END,
};

/*
 * Go to the next frame that is to be used. Frame 0 begins an epoch. ERROR_FORMAT and
 * ERROR_UNSUPPORTED at the first frame of what is no snapshot or of a newer version; everything
 * else that is wrong is told in the losses.
 */
struct error *snapshot_follow_next(struct snapshot_follow *follow, struct scan_frame *ret_frame,
				   enum follow_status *ret);

/* Once, after FOLLOW_END: what is wrong with how it ended, and with the roster of its samples. */
struct error *snapshot_follow_finish(struct snapshot_follow *follow,
				     const struct snapshot_roster *roster);

/* Why there is nothing to show, for a file without a whole sample. */
struct error *snapshot_follow_no_sample(const struct snapshot_follow *follow);

#endif
