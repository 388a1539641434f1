#include "lib/process_record.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/proc_family.h"
#include "common/cleanup.h"
#include "common/copy_text.h"
#include "lib/error_object.h"

struct process_node {
	struct pyspy_process_info info; /* first member */
	struct pyspy_frame frame;
	char *command_line;
	char *command_name;
	char *executable;
	char *frame_name;
};

/* The process first, then its parents. */
struct process_record {
	struct process_node process; /* first member: what is handed out is the record */
	struct process_node parents[ANCESTORS_MAX];
	size_t parent_count;
	atomic_uint owners;
};

static struct process_record *record_of(struct pyspy_process_info *process)
{
	return (struct process_record *)process;
}

static void node_deinit(struct process_node *node)
{
	free(node->command_line);
	free(node->command_name);
	free(node->executable);
	free(node->frame_name);
}

static void record_destroy(struct process_record *record)
{
	node_deinit(&record->process);
	for (size_t i = 0; i < record->parent_count; i++)
		node_deinit(&record->parents[i]);
	free(record);
}

static void record_destroyp(struct process_record **record)
{
	if (*record)
		record_destroy(*record);
}

static struct error *node_init(struct process_node *node, int32_t pid, const char *command_line,
			       const char *command_name)
{
	struct error *error = copy_text(command_line, &node->command_line);
	if (!error)
		error = copy_text(command_name, &node->command_name);
	if (error)
		return error;
	const char *name = command_line ? command_line : command_name ? command_name : "";
	if (asprintf(&node->frame_name, "process %d:\"%s\"", (int)pid, name) < 0) {
		node->frame_name = NULL;
		return &error_out_of_memory;
	}
	node->info = (struct pyspy_process_info){
		.size = sizeof(node->info),
		.pid = pid,
		.command_line = node->command_line,
		.command_name = node->command_name,
	};
	node->frame = (struct pyspy_frame){
		.size = sizeof(node->frame),
		.kind = PYSPY_FRAME_PROCESS,
		.name = node->frame_name,
		.column = -1,
		.end_column = -1,
	};
	return NULL;
}

static struct error *add_parents(struct process_record *record, const struct process_facts *facts)
{
	struct process_node *child = &record->process;
	for (size_t i = 0; i < facts->ancestor_count && i < ANCESTORS_MAX; i++) {
		const struct ancestor *ancestor = &facts->ancestors[i];
		struct process_node *parent = &record->parents[record->parent_count++];
		struct error *error = node_init(parent, ancestor->pid, ancestor->command_line,
						ancestor->command_name);
		if (error)
			return error;
		child->info.parent = &parent->info;
		child->info.parent_pid = ancestor->pid;
		child = parent;
	}
	return NULL;
}

struct error *process_record_create(const struct process_facts *facts,
				    struct pyspy_process_info **ret)
{
	CLEANUP(record_destroyp) struct process_record *record = calloc(1, sizeof(*record));
	if (!record)
		return &error_out_of_memory;
	atomic_init(&record->owners, 1);
	struct process_node *process = &record->process;
	struct error *error =
		node_init(process, facts->pid, facts->command_line, facts->command_name);
	if (!error)
		error = copy_text(facts->executable, &process->executable);
	if (error)
		return error;
	process->info.executable = process->executable;
	process->info.parent_pid = facts->parent_pid;
	error = add_parents(record, facts);
	if (error)
		return error;
	*ret = &TAKE_POINTER(record)->process.info;
	return NULL;
}

struct pyspy_process_info *process_record_share(struct pyspy_process_info *process)
{
	atomic_fetch_add_explicit(&record_of(process)->owners, 1, memory_order_relaxed);
	return process;
}

void process_record_release(struct pyspy_process_info *process)
{
	if (process &&
	    atomic_fetch_sub_explicit(&record_of(process)->owners, 1, memory_order_acq_rel) == 1)
		record_destroy(record_of(process));
}

struct error *process_record_find_parents(struct process_facts *facts)
{
	CLEANUP(family_deinit) struct family family = {0};
	struct error *error = family_add_ancestors(&family, facts);
	process_facts_clear_ancestors(facts);
	for (size_t i = 0; !error && i < family.count; i++)
		error = process_facts_add_ancestor(facts, &family.items[i]);
	return error;
}

void pyspy_process_free(struct pyspy_process_info *process)
{
	process_record_release(process);
}

const struct pyspy_frame *pyspy_process_frame(const struct pyspy_process_info *process)
{
	return &((const struct process_node *)process)->frame;
}
