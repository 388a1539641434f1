/*
 * Reading a snapshot forward, sample by sample, from a file or as it comes through a pipe. Only the
 * state of the epoch is held, so the memory is bounded however long the log is. What
 * snapshot_reader.h gives of the selected sample is then as of the sample that was gone to; the
 * counts and losses are those so far.
 */
#ifndef PYSPY_FORMATS_SNAPSHOT_FORWARD_H
#define PYSPY_FORMATS_SNAPSHOT_FORWARD_H

#include "common/buffer.h"
#include "formats/snapshot_reader.h"

/*
 * Begin before the first sample; nothing is read yet. The descriptor stays the caller's, and is not
 * to be read by anyone else. `head` has the bytes that were read from a pipe already, and is taken;
 * NULL if there are none.
 */
struct error *snapshot_open_forward(int fd, const char *name, struct buffer *head,
				    struct snapshot **ret);

enum snapshot_status {
	SNAPSHOT_SAMPLE, /* there is a sample */
	SNAPSHOT_WAIT,	 /* no whole sample is there yet: wait until the descriptor can be read */
	SNAPSHOT_ENDED,	 /* there will be none; the losses are complete */
};

/*
 * Go to the next sample, waiting for it where it comes through a pipe. `ret_any` is false at the
 * end.
 *
 * An error about one sample, or about the rest of its epoch, lets one go on behind it: it stands
 * for one sample, as if that had been selected. The errors that nothing comes behind: ERROR_FORMAT,
 * ERROR_UNSUPPORTED at the first call for what is no snapshot or of a newer version; ERROR_IO, out
 * of memory; and, at the end of what has no whole sample, those of snapshot_open.
 * snapshot_can_go_on tells them apart.
 */
struct error *snapshot_next(struct snapshot *snapshot, bool *ret_any);

/*
 * The same without waiting. Once this gave SNAPSHOT_WAIT, and until the next sample, nothing can be
 * asked of the sample before.
 */
struct error *snapshot_try_next(struct snapshot *snapshot, enum snapshot_status *ret);

/* Whether there may be samples behind an error. */
bool snapshot_can_go_on(const struct snapshot *snapshot);

/* Of what came through a pipe and proved at once to be no snapshot: the bytes that were read, for
 * another reader of it. They are taken from the snapshot, which is to be destroyed then. False if
 * it is a snapshot, however damaged. */
bool snapshot_take_head(struct snapshot *snapshot, struct buffer *ret);

/* How far the file is read, and its size; 0 for a pipe. */
uint64_t snapshot_position_bytes(const struct snapshot *snapshot);
uint64_t snapshot_size_bytes(const struct snapshot *snapshot);

/* Find out of which processes a file has samples, the part that is not read yet included; once. Of
 * a stream that cannot be known. */
struct error *snapshot_know_processes(struct snapshot *snapshot);

#endif
