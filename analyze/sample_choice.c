#include "analyze/sample_choice.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/option_values.h"

struct error *sample_choice_parse(const char *text, struct sample_choice *ret)
{
	static const char digits[] = "0123456789";
	*ret = (struct sample_choice){0};
	if (!text)
		return NULL;
	/* Numbers are what they are to every other option that has one, 0x… too. */
	bool time = strspn(text, digits) && strpbrk(text, ".-:");
	if (time)
		return time_bound_parse("--sample", text, &ret->time);
	struct error *error = parse_number(text, &ret->number);
	if (!error && ret->number)
		return NULL;
	error_destroy(error);
	return error_create(ERROR_USAGE,
			    "--sample: '%s' is no sample; give its number, from 1 on, or a time: "
			    "2026-07-01T12:00:00Z, or seconds from the first sample with a point, "
			    "such as 2.0",
			    text);
}

/* What is known of a process while its samples are gone through. */
struct search {
	uint64_t seen;
	uint64_t found; /* 0: none */
	uint64_t found_ns;
};

static size_t index_of(const struct snapshot *snapshot, int32_t pid)
{
	size_t index = 0;
	while (index < snapshot_process_count(snapshot) &&
	       snapshot_process_entry(snapshot, index)->pid != pid)
		index++;
	return index;
}

/* Clocks are set back, and files put behind one another in any order: each sample is looked at. */
static struct error *search_samples(const struct time_bound *time, struct snapshot *snapshot,
				    struct search *searches)
{
	uint64_t limit_ns = 0;
	for (size_t i = 0; i < snapshot_sample_count(snapshot); i++) {
		struct error *error = snapshot_select(snapshot, i);
		if (error)
			return error_prefix(error, "--sample");
		uint64_t time_ns = snapshot_sample(snapshot)->time_ns;
		if (!i)
			limit_ns = time_bound_ns(time, time_ns);
		size_t process = index_of(snapshot, snapshot_process(snapshot)->pid);
		if (process == snapshot_process_count(snapshot))
			continue;
		struct search *search = &searches[process];
		search->seen++;
		if (time_ns > limit_ns || (search->found && time_ns < search->found_ns))
			continue;
		search->found = search->seen;
		search->found_ns = time_ns;
	}
	return NULL;
}

struct error *sample_choice_find(const struct sample_choice *choice, struct target *target,
				 uint64_t **ret_numbers)
{
	struct snapshot *snapshot = target_snapshot(target);
	*ret_numbers = NULL;
	if (!choice->time.given || !snapshot)
		return NULL;
	size_t count = snapshot_process_count(snapshot);
	CLEANUP_FREE struct search *searches = calloc(count, sizeof(*searches));
	CLEANUP_FREE uint64_t *numbers = calloc(count, sizeof(*numbers));
	if (!searches || !numbers)
		return &error_out_of_memory;
	struct error *error = search_samples(&choice->time, snapshot, searches);
	if (error)
		return error;
	for (size_t i = 0; i < count; i++)
		numbers[i] = searches[i].found;
	*ret_numbers = TAKE_POINTER(numbers);
	return NULL;
}

struct error *sample_choice_select(const struct sample_choice *choice, const uint64_t *numbers,
				   struct target *target, size_t process)
{
	uint64_t number = numbers ? numbers[process] : choice->number;
	if (numbers && !number)
		return error_create(ERROR_NOT_FOUND,
				    "--sample: process %d has no sample at that time or before it",
				    (int)target_process(target)->pid);
	if (choice->time.given && !numbers)
		number = 1; /* a core has none, and says so */
	return target_select(target, process, number);
}
