/* The processes of a file that is read forward, before they are come to. */
#include "formats/snapshot_forward.h"
#include "formats/snapshot_parts.h"

static struct error *count_all(struct snapshot_follow *follow, struct snapshot_roster *roster)
{
	uint64_t sample = 0;
	for (;;) {
		struct scan_frame frame;
		enum follow_status status;
		struct error *error = snapshot_follow_next(follow, &frame, &status);
		if (!error && status == FOLLOW_FRAME && frame.summary.samples)
			error = snapshot_roster_add_content(roster, &follow->scan->content,
							    &sample);
		if (error || status != FOLLOW_FRAME)
			return error;
	}
}

struct error *snapshot_know_processes(struct snapshot *snapshot)
{
	struct snapshot_forward *forward = &snapshot->forward;
	struct snapshot_input input = {.fd = -1};
	struct snapshot_scan scan = {0};
	struct snapshot_follow follow = {.scan = &scan, .name = snapshot->name};
	if (!forward->on || forward->knows_all || snapshot->input.stream)
		return NULL;
	forward->knows_all = true;
	/* With a window of its own, so that reading on finds its own where it left it. */
	struct error *error = snapshot_input_init(&input, snapshot->input.fd, snapshot->name);
	if (!error)
		error = snapshot_scan_init(&scan, &input);
	if (!error)
		error = count_all(&follow, &forward->all);
	snapshot_follow_deinit(&follow);
	snapshot_scan_deinit(&scan);
	snapshot_input_deinit(&input);
	if (!error || error->code == ERROR_OUT_OF_MEMORY)
		return error;
	/* Who reads on comes to it, and says so. */
	error_destroy(error);
	return NULL;
}

bool snapshot_has_process(const struct snapshot *snapshot, int32_t pid)
{
	const struct snapshot_roster *all = &snapshot->forward.all;
	return snapshot_process_samples(snapshot, pid) != 0 || snapshot_roster_find(all, pid);
}
