#include "common/facts.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"

void process_facts_clear_ancestors(struct process_facts *facts)
{
	for (size_t i = 0; i < facts->ancestor_count; i++) {
		free(facts->ancestors[i].command_line);
		free(facts->ancestors[i].command_name);
	}
	free(facts->ancestors);
	facts->ancestors = NULL;
	facts->ancestor_count = 0;
}

static struct error *add_ancestor(struct process_facts *facts, int32_t pid,
				  const char *command_line, const char *command_name)
{
	if (facts->ancestor_count == ANCESTORS_MAX)
		return NULL;
	struct ancestor *ancestors =
		reallocarray(facts->ancestors, facts->ancestor_count + 1, sizeof(*ancestors));
	if (!ancestors)
		return &error_out_of_memory;
	facts->ancestors = ancestors;
	struct ancestor *ancestor = &ancestors[facts->ancestor_count++];
	*ancestor = (struct ancestor){
		.pid = pid,
		.command_line = command_line ? strdup(command_line) : NULL,
		.command_name = command_name ? strdup(command_name) : NULL,
	};
	if ((command_line && !ancestor->command_line) || (command_name && !ancestor->command_name))
		return &error_out_of_memory;
	return NULL;
}

struct error *process_facts_add_ancestor(struct process_facts *facts,
					 const struct process_facts *from)
{
	return add_ancestor(facts, from->pid, from->command_line, from->command_name);
}

void process_facts_deinit(struct process_facts *facts)
{
	process_facts_clear_ancestors(facts);
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
	copy.ancestors = NULL;
	copy.ancestor_count = 0;
	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++) {
		char *original = *strings[i];
		*strings[i] = original ? strdup(original) : NULL;
		complete &= !original || *strings[i];
	}
	struct error *error = complete ? NULL : &error_out_of_memory;
	for (size_t i = 0; i < facts->ancestor_count && !error; i++) {
		const struct ancestor *ancestor = &facts->ancestors[i];
		error = add_ancestor(&copy, ancestor->pid, ancestor->command_line,
				     ancestor->command_name);
	}
	if (error) {
		process_facts_deinit(&copy);
		return error;
	}
	*ret = copy;
	return NULL;
}

struct error *thread_facts_copy(const struct thread_facts *thread, struct thread_facts *ret)
{
	struct thread_facts copy = *thread;
	if (thread->registers) {
		copy.registers = malloc(thread->registers_size);
		if (!copy.registers)
			return &error_out_of_memory;
		memcpy(copy.registers, thread->registers, thread->registers_size);
	}
	*ret = copy;
	return NULL;
}

struct error *thread_list_append(struct thread_list *list, const struct thread_facts *thread)
{
	struct error *no_room = ARRAY_GROW(list->items, list->count, list->capacity, 16);
	if (no_room)
		return no_room;
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

void sample_counts_add(struct sample_counts *counts, const struct sample_counts *more)
{
	counts->samples += more->samples;
	counts->late += more->late;
	counts->failed += more->failed;
	counts->dropped += more->dropped;
	counts->incomplete += more->incomplete;
	for (size_t i = 0; i < FREEZE_WAYS; i++)
		counts->ways[i] += more->ways[i];
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
