/* What is known of a process, of a sample and of a run, as JSON: the same in `dump` and in `info`.
 */
#ifndef PYSPY_FORMATS_JSON_PROCESS_H
#define PYSPY_FORMATS_JSON_PROCESS_H

#include "common/facts.h"
#include "formats/json_text.h"

/* "x86_64", "aarch64"; NULL if unknown. */
const char *machine_name(int32_t machine);

/* Add the keys of py-spy's process_info (pid, command_line, parent), then ours. */
void json_add_process(struct json_builder *builder, cJSON *object,
		      const struct process_facts *facts);

/* Add "signal": what ended the process, or null. */
void json_add_signal(struct json_builder *builder, cJSON *object,
		     const struct process_facts *facts);

/* Add the keys of a sample. */
void json_add_sample(struct json_builder *builder, cJSON *object, const struct sample_facts *sample,
		     size_t index, size_t count);

/* Add the keys of what became of a run's samples. */
void json_add_counts(struct json_builder *builder, cJSON *object,
		     const struct sample_counts *counts);

/* Add a time as RFC 3339 text; null for 0. */
void json_add_time(struct json_builder *builder, cJSON *object, const char *key, uint64_t time_ns);

#endif
