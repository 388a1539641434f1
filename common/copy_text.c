#include "common/copy_text.h"

#include <string.h>

struct error *copy_text(const char *text, char **ret)
{
	if (!text)
		return NULL;
	char *copy = strdup(text);
	if (!copy)
		return &error_out_of_memory;
	*ret = copy;
	return NULL;
}
