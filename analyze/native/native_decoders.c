#include "analyze/native/native_decoders.h"

void native_decoders_deinit(struct native_decoders *decoders)
{
	for (size_t i = 0; i < NATIVE_DECODERS_MAX; i++)
		native_decoder_destroy(decoders->items[i].decoder);
	*decoders = (struct native_decoders){0};
}

/* The one of the process, or one that takes the place of what was not needed for the longest time.
 */
static struct native_decoders_item *find_item(struct native_decoders *decoders, int32_t pid)
{
	struct native_decoders_item *oldest = &decoders->items[0];
	for (size_t i = 0; i < NATIVE_DECODERS_MAX; i++) {
		struct native_decoders_item *item = &decoders->items[i];
		if (item->decoder && item->pid == pid)
			return item;
		if (item->used < oldest->used)
			oldest = item;
	}
	native_decoder_destroy(oldest->decoder);
	*oldest = (struct native_decoders_item){.pid = pid};
	return oldest;
}

struct error *native_decoders_run(struct native_decoders *decoders, struct target *target,
				  const struct native_options *options,
				  struct model_process *process)
{
	struct native_decoders_item *item = find_item(decoders, target_process(target)->pid);
	item->used = ++decoders->samples;
	struct error *error =
		item->decoder ? NULL : native_decoder_create(target, options, &item->decoder);
	return error ? error : native_decoder_run(item->decoder, process);
}
