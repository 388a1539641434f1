#include "lib/sample_item.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "lib/error_object.h"
#include "lib/trace_list.h"

struct failure {
	struct pyspy_process_error public; /* first member */
	struct error *error;		   /* owns the message */
};

struct sample_item {
	struct pyspy_sample public; /* first member */
	struct pyspy_traces *traces;
	struct failure *failures;
};

static struct sample_item *item_of(struct pyspy_sample *sample)
{
	return (struct sample_item *)sample;
}

struct error *sample_item_create(struct pyspy_sample **ret)
{
	CLEANUP_FREE struct sample_item *item = calloc(1, sizeof(*item));
	if (!item)
		return &error_out_of_memory;
	struct error *error = trace_list_create(&item->traces);
	if (error)
		return error;
	item->public.size = sizeof(item->public);
	item->public.traces = item->traces;
	*ret = &TAKE_POINTER(item)->public;
	return NULL;
}

void pyspy_sample_free(struct pyspy_sample *sample)
{
	if (!sample)
		return;
	struct sample_item *item = item_of(sample);
	for (size_t i = 0; i < sample->error_count; i++)
		error_destroy(item->failures[i].error);
	free(item->failures);
	pyspy_traces_free(item->traces);
	free(item);
}

void sample_item_destroyp(struct pyspy_sample **sample)
{
	pyspy_sample_free(*sample);
}

struct error *sample_item_add(struct pyspy_sample *sample, struct pyspy_traces *traces)
{
	return trace_list_append(item_of(sample)->traces, traces);
}

struct error *sample_item_fail(struct pyspy_sample *sample, int32_t pid, struct error *failure)
{
	struct sample_item *item = item_of(sample);
	struct failure *failures =
		reallocarray(item->failures, sample->error_count + 1, sizeof(*failures));
	if (!failures) {
		error_destroy(failure);
		return &error_out_of_memory;
	}
	item->failures = failures;
	failures[sample->error_count++] = (struct failure){
		.public =
			{
				.size = sizeof(struct pyspy_process_error),
				.pid = pid,
				.code = error_public_code(failure->code),
				.message = failure->message,
			},
		.error = failure,
	};
	return NULL;
}

const struct pyspy_process_error *pyspy_sample_error(const struct pyspy_sample *sample,
						     size_t index)
{
	const struct sample_item *item = (const struct sample_item *)sample;
	return index < sample->error_count ? &item->failures[index].public : NULL;
}
