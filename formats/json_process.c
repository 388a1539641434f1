#include "formats/json_process.h"

#include "formats/signal_text.h"
#include "formats/unit_text.h"

const char *machine_name(int32_t machine)
{
	if (machine == MACHINE_X86_64)
		return "x86_64";
	return machine == MACHINE_AARCH64 ? "aarch64" : NULL;
}

void json_add_time(struct json_builder *builder, cJSON *object, const char *key, uint64_t time_ns)
{
	char text[UNIT_TEXT_SIZE];
	if (!time_ns) {
		json_add_null(builder, object, key);
		return;
	}
	time_text(time_ns, text);
	json_add_string_copy(builder, object, key, text);
}

/* As py-spy's ProcessInfo: pid, command_line, parent; a chain. Its length is bounded. */
static void add_parents(struct json_builder *builder, cJSON *object,
			const struct process_facts *facts)
{
	for (size_t i = 0; i < facts->ancestor_count && !builder->failed; i++) {
		const struct ancestor *ancestor = &facts->ancestors[i];
		cJSON *parent = json_add_object(builder, object, "parent");
		json_add_integer(builder, parent, "pid", ancestor->pid);
		json_add_string(builder, parent, "command_line",
				ancestor->command_line ? ancestor->command_line : "");
		json_add_string(builder, parent, "command_name", ancestor->command_name);
		object = parent;
	}
	json_add_null(builder, object, "parent");
}

void json_add_process(struct json_builder *builder, cJSON *object,
		      const struct process_facts *facts)
{
	json_add_integer(builder, object, "pid", facts->pid);
	/* A string in py-spy, never null. */
	json_add_string(builder, object, "command_line",
			facts->command_line ? facts->command_line : "");
	add_parents(builder, object, facts);
	json_add_known(builder, object, "parent_pid", (uint64_t)facts->parent_pid);
	json_add_known(builder, object, "container_pid", (uint64_t)facts->container_pid);
	json_add_string(builder, object, "command_name", facts->command_name);
	json_add_string(builder, object, "executable", facts->executable);
	json_add_string(builder, object, "root", facts->root);
	if (facts->uid == UINT32_MAX)
		json_add_null(builder, object, "uid");
	else
		json_add_unsigned(builder, object, "uid", facts->uid);
	json_add_string(builder, object, "host", facts->host);
	json_add_string(builder, object, "kernel", facts->kernel);
	json_add_string(builder, object, "machine", machine_name(facts->machine));
	json_add_time(builder, object, "start_time", facts->start_time_ns);
	json_add_time(builder, object, "capture_time", facts->capture_time_ns);
	json_add_bool(builder, object, "was_stopped", facts->was_stopped);
}

void json_add_signal(struct json_builder *builder, cJSON *object, const struct process_facts *facts)
{
	if (!facts->signal) {
		json_add_null(builder, object, "signal");
		return;
	}
	cJSON *signal = json_add_object(builder, object, "signal");
	json_add_integer(builder, signal, "number", facts->signal);
	json_add_string(builder, signal, "name", signal_name(facts->signal));
	json_add_integer(builder, signal, "code", facts->signal_code);
	json_add_string(builder, signal, "reason",
			signal_reason(facts->signal, facts->signal_code));
	if (facts->has_fault_address)
		json_add_unsigned(builder, signal, "address", facts->fault_address);
	else
		json_add_null(builder, signal, "address");
	json_add_known(builder, signal, "sender_pid", (uint64_t)facts->sender_pid);
}

void json_add_sample(struct json_builder *builder, cJSON *object, const struct sample_facts *sample,
		     size_t index, size_t count)
{
	json_add_unsigned(builder, object, "index", index + 1);
	json_add_unsigned(builder, object, "count", count);
	json_add_time(builder, object, "time", sample->time_ns);
	json_add_unsigned(builder, object, "time_ns", sample->time_ns);
	json_add_unsigned(builder, object, "monotonic_ns", sample->monotonic_ns);
	json_add_unsigned(builder, object, "freeze_ns", sample->freeze_ns);
	json_add_unsigned(builder, object, "threads_stopped", sample->threads_stopped);
	json_add_unsigned(builder, object, "attempts", sample->attempts);
	json_add_string(builder, object, "way", freeze_way_name(sample->way));
	json_add_string(builder, object, "level", capture_level_name(sample->level));
	json_add_bool(builder, object, "fallback", sample->fallback);
	json_add_bool(builder, object, "partial", sample->partial);
}

void json_add_counts(struct json_builder *builder, cJSON *object,
		     const struct sample_counts *counts)
{
	json_add_unsigned(builder, object, "samples", counts->samples);
	json_add_unsigned(builder, object, "incomplete", counts->incomplete);
	json_add_unsigned(builder, object, "late", counts->late);
	json_add_unsigned(builder, object, "failed", counts->failed);
	json_add_unsigned(builder, object, "dropped", counts->dropped);
}
