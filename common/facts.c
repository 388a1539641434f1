#include "common/facts.h"

#include <stdlib.h>
#include <string.h>

void process_facts_deinit(struct process_facts *facts)
{
	free(facts->command_line);
	free(facts->command_name);
	free(facts->executable);
	free(facts->root);
	free(facts->host);
	free(facts->kernel);
	*facts = (struct process_facts){0};
}

struct error *process_facts_copy(const struct process_facts *facts, struct process_facts *ret)
{
	struct process_facts copy = *facts;
	char **const strings[] = {
		&copy.command_line, &copy.command_name, &copy.executable,
		&copy.root,	    &copy.host,		&copy.kernel,
	};
	bool complete = true;
	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++) {
		char *original = *strings[i];
		*strings[i] = original ? strdup(original) : NULL;
		complete &= !original || *strings[i];
	}
	if (!complete) {
		process_facts_deinit(&copy);
		return &error_out_of_memory;
	}
	*ret = copy;
	return NULL;
}

struct error *thread_list_append(struct thread_list *list, const struct thread_facts *thread)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 16;
		struct thread_facts *items =
			reallocarray(list->items, capacity, sizeof(*list->items));
		if (!items)
			return &error_out_of_memory;
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = *thread;
	return NULL;
}

void thread_list_deinit(struct thread_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].registers);
	free(list->items);
	*list = (struct thread_list){0};
}

/* Values can come from a file, so that an unknown one must have a name too. */
static const char *name_in(const char *const *names, size_t count, size_t value)
{
	return value < count ? names[value] : "unknown";
}

const char *freeze_way_name(enum freeze_way way)
{
	static const char *const names[] = {
		[FREEZE_NONE] = "none",
		[FREEZE_HOLDER] = "holder",
		[FREEZE_VERIFIED] = "verified",
		[FREEZE_ALL] = "all",
	};
	return name_in(names, sizeof(names) / sizeof(names[0]), (size_t)way);
}

const char *capture_level_name(enum capture_level level)
{
	static const char *const names[] = {
		[LEVEL_STACKS] = "stacks",
		[LEVEL_LOCALS] = "locals",
		[LEVEL_FULL] = "full",
	};
	return name_in(names, sizeof(names) / sizeof(names[0]), (size_t)level);
}
