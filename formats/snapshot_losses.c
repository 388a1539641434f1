#include "formats/snapshot_losses.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void snapshot_losses_deinit(struct snapshot_losses *losses)
{
	for (size_t i = 0; i < losses->count; i++)
		free(losses->messages[i]);
	*losses = (struct snapshot_losses){0};
}

struct error *snapshot_losses_add(struct snapshot_losses *losses, const char *format, ...)
{
	if (losses->count == SNAPSHOT_LOSSES_MAX) {
		losses->left_out++;
		return NULL;
	}
	va_list arguments;
	va_start(arguments, format);
	char *message;
	int length = vasprintf(&message, format, arguments);
	va_end(arguments);
	if (length < 0)
		return &error_out_of_memory;
	losses->messages[losses->count++] = message;
	return NULL;
}

struct error *snapshot_losses_finish(struct snapshot_losses *losses)
{
	if (!losses->left_out)
		return NULL;
	char *message;
	if (asprintf(&message, "%zu more places are damaged", losses->left_out) < 0)
		return &error_out_of_memory;
	losses->messages[losses->count++] = message;
	losses->left_out = 0;
	return NULL;
}
