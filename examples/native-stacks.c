/*
 * The merged native and Python stacks of a process: what C code runs below each Python function.
 *
 *     native-stacks PID
 */
#include <inttypes.h>
#include <pyspy.h>
#include <stdio.h>
#include <stdlib.h>

static void print_frame(const struct pyspy_frame *frame)
{
	switch (frame->kind) {
	case PYSPY_FRAME_NATIVE:
		printf("    %s%s (%s)\n", frame->name ? frame->name : "?",
		       frame->inlined ? " [inlined]" : "", frame->module ? frame->module : "?");
		return;
	case PYSPY_FRAME_GAP:
		printf("    [%s]\n", frame->name);
		return;
	default:
		printf("    %s (%s:%d)  <- Python\n", frame->name,
		       frame->short_filename ? frame->short_filename : "?", (int)frame->line);
	}
}

static void print_traces(const struct pyspy_traces *traces)
{
	for (size_t i = 0; i < pyspy_traces_count(traces); i++) {
		const struct pyspy_trace *trace = pyspy_traces_get(traces, i);
		printf("Thread %d (%s)\n", (int)trace->os_thread_id, pyspy_trace_status(trace));
		for (size_t j = 0; j < trace->frame_count; j++)
			print_frame(pyspy_trace_frame(trace, j));
	}
	for (size_t i = 0; pyspy_traces_note(traces, i); i++)
		printf("Note: %s\n", pyspy_traces_note(traces, i));
	printf("The process stood still for %" PRIu64 " us.\n",
	       pyspy_traces_freeze_ns(traces) / 1000);
}

int main(int argc, char **argv)
{
	struct pyspy_config config;
	struct pyspy *spy = NULL;
	struct pyspy_traces *traces = NULL;
	if (argc != 2) {
		fprintf(stderr, "usage: %s PID\n", argv[0]);
		return 2;
	}
	pyspy_config_init(&config, sizeof(config));
	config.native = true;
	struct pyspy_error *error = pyspy_open((int32_t)strtol(argv[1], NULL, 10), &config, &spy);
	if (!error)
		error = pyspy_get_traces(spy, &traces);
	if (!error)
		print_traces(traces);
	else
		fprintf(stderr, "%s\n", pyspy_error_message(error));
	int status = error ? 1 : 0;
	pyspy_error_free(error);
	pyspy_traces_free(traces);
	pyspy_close(spy);
	return status;
}
