#include "formats/snapshot_follow.h"

#include <stdio.h>

#include "formats/snapshot_format.h"

void snapshot_follow_deinit(struct snapshot_follow *follow)
{
	snapshot_losses_deinit(&follow->losses);
}

static void incident_open(struct snapshot_follow *follow, uint64_t offset, uint64_t end,
			  const char *problem)
{
	if (!follow->incident.open)
		follow->incident = (struct follow_incident){
			.open = true, .offset = offset, .problem = problem};
	follow->incident.end = end;
}

/* Say what an incident cost; `cost` is the end of the sentence. */
static struct error *incident_close(struct snapshot_follow *follow, const char *cost)
{
	struct follow_incident incident = follow->incident;
	unsigned long long offset = incident.offset;
	unsigned long long bytes = incident.end - incident.offset;
	unsigned long long samples = follow->sample_count;
	follow->incident = (struct follow_incident){0};
	if (follow->ended)
		return snapshot_losses_add(&follow->losses,
					   "%llu bytes at offset %llu, after the end of the "
					   "snapshot, do not belong to it",
					   bytes, offset);
	if (incident.cut)
		return snapshot_losses_add(&follow->losses,
					   "the file is cut after sample %llu: %llu bytes at "
					   "offset %llu are not a whole frame",
					   samples, bytes, offset);
	return snapshot_losses_add(&follow->losses,
				   "damaged after sample %llu: %llu bytes at offset %llu cannot be "
				   "used (%s); %s",
				   samples, bytes, offset, incident.problem, cost);
}

static struct error *incident_close_samples(struct snapshot_follow *follow, uint64_t lost,
					    bool at_least)
{
	char cost[96];
	if (at_least && !lost)
		snprintf(cost, sizeof(cost), "samples lost: unknown");
	else
		snprintf(cost, sizeof(cost), "samples lost: %s%llu", at_least ? "at least " : "",
			 (unsigned long long)lost);
	return incident_close(follow, cost);
}

/* Another log begins. */
static void end_counts(struct snapshot_follow *follow)
{
	sample_counts_add(&follow->counts_before, &follow->counts);
	follow->counts = (struct sample_counts){0};
}

static void take_summary(struct snapshot_follow *follow, const struct block_summary *summary)
{
	if (summary->has_counts) {
		follow->counts = summary->counts;
		follow->has_counts = true;
	}
	for (size_t i = 0; i < SNAPSHOT_CHUNK_COUNT; i++)
		follow->chunk_bytes[i] += summary->chunk_bytes[i];
	follow->sample_count += summary->samples;
	follow->unknown_chunks += summary->unknown_chunks;
	follow->log_samples += summary->samples;
}

/* An epoch needs nothing before it; its header says how many samples there should have been. */
static struct error *begin_epoch(struct snapshot_follow *follow, const struct scan_frame *frame)
{
	const struct block_summary *summary = &frame->summary;
	bool same_log = follow->has_log && summary->header.log_number == follow->log_number;
	uint64_t expected = same_log ? follow->log_samples : 0;
	uint64_t lost = summary->samples_before > expected ? summary->samples_before - expected : 0;
	uint64_t first_epoch = same_log ? (uint64_t)follow->epoch + 1 : 0;
	struct error *error = NULL;
	if (follow->has_log && !same_log && !follow->ended)
		error = snapshot_losses_add(&follow->losses,
					    "the capture before offset %llu has no end mark",
					    (unsigned long long)frame->offset);
	if (!error && follow->incident.open)
		error = incident_close_samples(follow, lost, follow->has_log && !same_log);
	else if (!error && (lost || summary->header.epoch != first_epoch))
		error = snapshot_losses_add(&follow->losses,
					    "frames are missing before offset %llu; samples "
					    "lost: %llu",
					    (unsigned long long)frame->offset,
					    (unsigned long long)lost);
	if (error)
		return error;
	if (follow->has_log && !same_log)
		end_counts(follow);
	follow->has_log = follow->usable = true;
	follow->ended = false;
	follow->epoch_count++;
	follow->log_number = summary->header.log_number;
	follow->epoch = summary->header.epoch;
	follow->next_frame = follow->next_ordinary = 0;
	follow->log_samples = summary->samples_before;
	return NULL;
}

/* Within an epoch: is it the next frame, or are only bulk frames missing before it? */
static struct error *continue_epoch(struct snapshot_follow *follow, const struct scan_frame *frame)
{
	const struct block_header *header = &frame->summary.header;
	bool follows = follow->usable && header->log_number == follow->log_number &&
		       header->epoch == follow->epoch && header->frame >= follow->next_frame &&
		       header->ordinary == follow->next_ordinary;
	if (!follows) {
		follow->usable = false;
		return NULL;
	}
	uint32_t missing = header->frame - follow->next_frame;
	if (!missing)
		return follow->incident.open ? incident_close(follow, "nothing is missing") : NULL;
	incident_open(follow, frame->offset, frame->offset, "frames are missing");
	char cost[96];
	snprintf(cost, sizeof(cost), "pieces of memory lost: %lu", (unsigned long)missing);
	return incident_close(follow, cost);
}

static struct error *check_end(struct snapshot_follow *follow, const struct scan_frame *frame)
{
	if (!frame->summary.has_end)
		return NULL;
	follow->ended = true;
	if (frame->summary.counts.samples == follow->log_samples)
		return NULL;
	return snapshot_losses_add(
		&follow->losses,
		"the end mark tells of %llu samples, but there were %llu before it",
		(unsigned long long)frame->summary.counts.samples,
		(unsigned long long)follow->log_samples);
}

/* `ret` is whether it is to be used. */
static struct error *accept_frame(struct snapshot_follow *follow, const struct scan_frame *frame,
				  bool *ret)
{
	const struct block_header *header = &frame->summary.header;
	bool later = !follow->has_log || header->log_number != follow->log_number ||
		     header->epoch > follow->epoch;
	struct error *error = NULL;
	if (header->frame)
		error = continue_epoch(follow, frame);
	else if (later)
		error = begin_epoch(follow, frame);
	else
		follow->usable = false;
	if (error)
		return error;
	if (!follow->usable || follow->ended) {
		incident_open(follow, frame->offset, frame->offset + frame->extent.size,
			      "frames before it are missing");
		follow->incident.samples += frame->summary.samples;
		return NULL;
	}
	follow->next_frame = header->frame + 1;
	follow->next_ordinary = header->ordinary + !(header->flags & SNAPSHOT_BLOCK_BULK);
	follow->frame_count++;
	take_summary(follow, &frame->summary);
	*ret = true;
	return check_end(follow, frame);
}

/* What is no usable frame: the next whole one is searched behind it. */
static void begin_search(struct snapshot_follow *follow, const struct scan_frame *frame)
{
	bool measured = frame->frame_status == FRAME_OK || frame->frame_status == FRAME_CHECKSUM;
	uint64_t end = frame->offset + frame->extent.size;
	follow->search = (struct follow_search){
		.active = true,
		.next = frame->offset + 1,
		.offset = frame->offset,
		.status = frame->frame_status,
		.at_end = frame->frame_status == FRAME_SHORT ||
			  (measured && end == follow->scan->input->size_bytes),
		.problem = scan_frame_problem(frame),
	};
}

/* Go on searching; false in `ret` if the input has to be waited for. */
static struct error *search(struct snapshot_follow *follow, bool *ret)
{
	struct follow_search *search = &follow->search;
	const struct snapshot_input *input = follow->scan->input;
	const struct scan_log log = {.number = follow->log_number, .at_end = search->at_end};
	struct error *error = snapshot_scan_search(follow->scan, search->next, UINT64_MAX,
						   follow->has_log ? &log : NULL, &search->next);
	*ret = !input->starved;
	if (error || input->starved)
		return error;
	bool was_open = follow->incident.open;
	incident_open(follow, search->offset, search->next, search->problem);
	if (!was_open)
		follow->incident.cut =
			search->next == input->size_bytes && search->status == FRAME_SHORT;
	follow->cut |= follow->incident.cut;
	follow->offset = search->next;
	search->active = false;
	return NULL;
}

/* A frame of zstd's that is not as the container has them, and whose content is not ours either. Of
 * a file that was found out before. */
static struct error *is_foreign_stream(struct snapshot_follow *follow,
				       const struct scan_frame *frame, bool *ret)
{
	enum { PEEK = 256 << 10 };
	struct snapshot_input *input = follow->scan->input;
	const uint8_t *bytes;
	size_t size;
	uint8_t content[sizeof(uint32_t)];
	*ret = false;
	if (!input->stream || frame->frame_status != FRAME_REFUSED)
		return NULL;
	struct error *error = snapshot_input_view(input, 0, PEEK, &bytes, &size);
	if (error || input->starved || frame_peek(bytes, size, content, sizeof(content)) == 0)
		return error;
	struct cursor cursor = cursor_make(content, sizeof(content));
	*ret = cursor_u32(&cursor) != SNAPSHOT_BLOCK_MAGIC;
	return NULL;
}

/* What begins neither with a frame nor with a cut one is not for us at all. */
static struct error *check_first(struct snapshot_follow *follow, const struct scan_frame *frame)
{
	bool foreign;
	struct error *error = is_foreign_stream(follow, frame, &foreign);
	if (error || follow->scan->input->starved)
		return error;
	follow->version = frame->summary.header.version;
	if (foreign || frame->frame_status == FRAME_FOREIGN || frame->block_status == BLOCK_FOREIGN)
		return error_create(ERROR_FORMAT, "%s is not a snapshot", follow->name);
	if (frame->block_status == BLOCK_NEWER)
		return error_create(ERROR_UNSUPPORTED,
				    "%s is a snapshot of container version %u, and this program "
				    "reads versions up to %u; use a newer pyspy-analyze",
				    follow->name, frame->summary.header.version, SNAPSHOT_VERSION);
	return NULL;
}

/* Take in the frame at the offset, and go behind it. */
static struct error *take_frame(struct snapshot_follow *follow, const struct scan_frame *frame,
				bool *ret)
{
	struct error *error = follow->offset ? NULL : check_first(follow, frame);
	if (error || follow->scan->input->starved)
		return error;
	follow->unsupported |=
		frame->block_status == BLOCK_NEWER || frame->block_status == BLOCK_UNSUPPORTED;
	if (frame->frame_status == FRAME_OK)
		follow->whole_bytes = follow->offset + frame->extent.size;
	if (frame->frame_status == FRAME_OK && frame->extent.skippable) {
		follow->skipped = follow->offset;
		follow->offset += frame->extent.size;
		return NULL;
	}
	if (!scan_frame_ok(frame)) {
		begin_search(follow, frame);
		return NULL;
	}
	follow->offset += frame->extent.size;
	return accept_frame(follow, frame, ret);
}

/* A stream's length is known at its end alone, so what was skipped can be cut. */
static void end_skipped(struct snapshot_follow *follow)
{
	uint64_t end = follow->scan->input->size_bytes;
	if (follow->offset <= end)
		return;
	incident_open(follow, follow->skipped, end, frame_status_text(FRAME_SHORT));
	follow->incident.cut = follow->cut = true;
	follow->offset = end;
}

struct error *snapshot_follow_next(struct snapshot_follow *follow, struct scan_frame *ret_frame,
				   enum follow_status *ret)
{
	const struct snapshot_input *input = follow->scan->input;
	bool go_on = true;
	bool use = false;
	struct error *error = NULL;
	*ret = FOLLOW_WAIT;
	while (!error && go_on && !use) {
		if (follow->search.active) {
			error = search(follow, &go_on);
			continue;
		}
		error = snapshot_scan_read(follow->scan, follow->offset, ret_frame);
		if (error || input->starved)
			return error;
		if (follow->offset >= input->size_bytes) {
			end_skipped(follow);
			*ret = FOLLOW_END;
			return NULL;
		}
		error = take_frame(follow, ret_frame, &use);
		go_on = !input->starved;
	}
	if (use)
		*ret = FOLLOW_FRAME;
	return error;
}

struct error *snapshot_follow_finish(struct snapshot_follow *follow,
				     const struct snapshot_roster *roster)
{
	bool told = follow->incident.open;
	struct error *error = NULL;
	if (told)
		error = incident_close_samples(follow, follow->incident.samples, true);
	if (!error && !told && !follow->ended)
		error = snapshot_losses_add(&follow->losses,
					    "the file has no end mark after sample %llu: the "
					    "capture was interrupted, or the file is cut",
					    (unsigned long long)follow->sample_count);
	if (!error && roster->cut)
		error = snapshot_losses_add(&follow->losses,
					    "the file has samples of more than %zu processes; the "
					    "others are left out",
					    roster->count);
	return error ? error : snapshot_losses_finish(&follow->losses);
}

struct error *snapshot_follow_no_sample(const struct snapshot_follow *follow)
{
	const char *loss = follow->losses.count ? follow->losses.messages[0] : NULL;
	if (follow->unsupported)
		return error_create(ERROR_UNSUPPORTED,
				    "%s holds what this program cannot read; use a newer "
				    "pyspy-analyze",
				    follow->name);
	if (!loss)
		return error_create(ERROR_TRUNCATED, "%s has no samples in it", follow->name);
	enum error_code code = follow->frame_count || follow->cut ? ERROR_TRUNCATED : ERROR_FORMAT;
	return error_create(code, "%s has no whole sample in it: %s", follow->name, loss);
}
