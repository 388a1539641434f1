#include "analyze/python/incremental_decode.h"

#include <stdlib.h>

#include "analyze/python/process_memo.h"

/* Processes that are remembered; of files with more, those that were sampled last. */
enum {
	PROCESSES_MAX = 256,
	/* Who had no sample among as many has ended: nothing is remembered of it. */
	IDLE_SAMPLES = 4096,
};

struct known_process {
	int32_t pid;
	uint64_t used; /* when: counts decoded samples */
	struct process_memo *memo;
};

struct incremental_decoder {
	struct incremental_options options;
	struct known_process processes[PROCESSES_MAX];
	size_t count;
	uint64_t samples;
};

struct error *incremental_decoder_create(const struct incremental_options *options,
					 struct incremental_decoder **ret)
{
	struct incremental_decoder *decoder = calloc(1, sizeof(*decoder));
	if (!decoder)
		return &error_out_of_memory;
	decoder->options = *options;
	*ret = decoder;
	return NULL;
}

void incremental_decoder_destroy(struct incremental_decoder *decoder)
{
	if (!decoder)
		return;
	for (size_t i = 0; i < decoder->count; i++)
		process_memo_destroy(decoder->processes[i].memo);
	free(decoder);
}

void incremental_decoder_destroyp(struct incremental_decoder **decoder)
{
	incremental_decoder_destroy(*decoder);
}

static void forget_ended(struct incremental_decoder *decoder)
{
	for (size_t i = 0; i < decoder->count; i++) {
		struct known_process *process = &decoder->processes[i];
		if (process->used + IDLE_SAMPLES > decoder->samples)
			continue;
		process_memo_destroy(process->memo);
		process->memo = NULL;
	}
}

/* The one of `pid`, or one that takes the place of what was not needed for the longest time. */
static struct known_process *find_process(struct incremental_decoder *decoder, int32_t pid)
{
	struct known_process *oldest = &decoder->processes[0];
	for (size_t i = 0; i < decoder->count; i++) {
		struct known_process *process = &decoder->processes[i];
		if (process->pid == pid)
			return process;
		if (process->used < oldest->used)
			oldest = process;
	}
	forget_ended(decoder);
	if (decoder->count < PROCESSES_MAX)
		oldest = &decoder->processes[decoder->count++];
	process_memo_destroy(oldest->memo);
	*oldest = (struct known_process){.pid = pid};
	return oldest;
}

struct error *incremental_decode(struct incremental_decoder *decoder, struct target *target,
				 struct decoded_process *ret)
{
	struct known_process *process = find_process(decoder, target_process(target)->pid);
	if (!process->memo)
		process->memo = process_memo_create();
	if (!process->memo)
		return &error_out_of_memory;
	process->used = ++decoder->samples;
	if (decoder->options.always_anew)
		process_memo_forget(process->memo);
	return process_memo_decode(process->memo, target, &decoder->options, ret);
}
