/*
 * The stacks of a process, a core or a snapshot, once.
 *
 *     dump-once PID|FILE
 */
#include <pyspy.h>
#include <stdio.h>
#include <stdlib.h>

/* A core or snapshot if it is no number. */
static struct pyspy_error *open_either(const char *what, const struct pyspy_config *config,
				       struct pyspy **ret)
{
	char *end;
	long pid = strtol(what, &end, 10);
	if (*end || end == what)
		return pyspy_open_file(what, config, ret);
	return pyspy_open((int32_t)pid, config, ret);
}

static void print_trace(const struct pyspy_trace *trace, const struct pyspy_config *config)
{
	char text[512];
	pyspy_trace_thread_id_text(trace, text, sizeof(text));
	printf("Thread %s (%s): \"%s\"\n", text, pyspy_trace_status(trace),
	       trace->thread_name ? trace->thread_name : "");
	for (size_t i = 0; i < trace->frame_count; i++) {
		const struct pyspy_frame *frame = pyspy_trace_frame(trace, i);
		pyspy_frame_text(frame, config, text, sizeof(text));
		printf("    %s\n", text);
		for (size_t j = 0; j < frame->local_count; j++) {
			const struct pyspy_local *local = pyspy_frame_local(frame, j);
			printf("        %s = %s\n", local->name, local->text ? local->text : "?");
		}
	}
}

static struct pyspy_error *dump(struct pyspy *spy, const struct pyspy_config *config)
{
	struct pyspy_traces *traces;
	struct pyspy_process_info *process;
	struct pyspy_error *error = pyspy_get_process(spy, &process);
	if (error)
		return error;
	printf("Process %d: %s\n", (int)process->pid,
	       process->command_line ? process->command_line : "?");
	for (const struct pyspy_process_info *parent = process->parent; parent;
	     parent = parent->parent)
		printf("  started by %s\n", pyspy_process_frame(parent)->name);
	pyspy_process_free(process);
	const char *version = pyspy_python_version(spy);
	printf("Python v%s\n\n", version ? version : "?");
	error = pyspy_get_traces(spy, &traces);
	if (error)
		return error;
	for (size_t i = 0; i < pyspy_traces_count(traces); i++)
		print_trace(pyspy_traces_get(traces, i), config);
	pyspy_traces_free(traces);
	return NULL;
}

int main(int argc, char **argv)
{
	struct pyspy_config config;
	struct pyspy *spy = NULL;
	pyspy_config_init(&config, sizeof(config));
	config.show_line_numbers = true;
	if (argc != 2) {
		fprintf(stderr, "usage: %s PID|FILE\n", argv[0]);
		return 2;
	}
	struct pyspy_error *error = open_either(argv[1], &config, &spy);
	if (!error)
		error = dump(spy, &config);
	if (error)
		fprintf(stderr, "%s\n", pyspy_error_message(error));
	int status = error ? 1 : 0;
	pyspy_error_free(error);
	pyspy_close(spy);
	return status;
}
