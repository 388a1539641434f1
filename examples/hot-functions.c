/*
 * Starts a Python program, samples it every 10 ms, and prints its hottest functions.
 *
 *     hot-functions [-a] [-d SECONDS] [--] PYTHON PROGRAM [ARGUMENT…]
 *
 * Counted is the innermost function of each thread that is active: where the time is spent. With -a
 * every function on the stack, once for each stack: what the time is spent for.
 */
#include <errno.h>
#include <pyspy.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	INTERVAL_MS = 10,
	START_RETRIES = 100, /* 20 ms apart */
	HOTTEST = 10,
	END_SECONDS = 5, /* for the program to end by itself */
};

struct function {
	char *name;
	char *file;
	unsigned long samples;
	unsigned long last_stack; /* the last one that it was counted in */
};

struct counts {
	struct function *functions;
	size_t count;
	size_t capacity;
	unsigned long stacks; /* of active threads */
	bool all;	      /* every function on a stack */
};

static void *must(void *memory)
{
	if (!memory) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return memory;
}

static struct function *find_function(struct counts *counts, const char *name, const char *file)
{
	for (size_t i = 0; i < counts->count; i++) {
		struct function *function = &counts->functions[i];
		if (strcmp(function->name, name) == 0 && strcmp(function->file, file) == 0)
			return function;
	}
	if (counts->count == counts->capacity) {
		counts->capacity = counts->capacity ? counts->capacity * 2 : 64;
		counts->functions = must(reallocarray(counts->functions, counts->capacity,
						      sizeof(*counts->functions)));
	}
	struct function *function = &counts->functions[counts->count++];
	*function = (struct function){
		.name = must(strdup(name)),
		.file = must(strdup(file)),
	};
	return function;
}

static void count_frame(struct counts *counts, const struct pyspy_frame *frame)
{
	const char *file = frame->short_filename ? frame->short_filename : frame->filename;
	struct function *function =
		find_function(counts, frame->name ? frame->name : "?", file ? file : "?");
	/* A function that calls itself is on the stack more than once. */
	if (function->last_stack == counts->stacks)
		return;
	function->last_stack = counts->stacks;
	function->samples++;
}

static void count_traces(struct counts *counts, const struct pyspy_traces *traces)
{
	for (size_t i = 0; i < pyspy_traces_count(traces); i++) {
		const struct pyspy_trace *trace = pyspy_traces_get(traces, i);
		if (!trace->active || !trace->frame_count)
			continue;
		counts->stacks++;
		size_t wanted = counts->all ? trace->frame_count : 1;
		for (size_t j = 0; j < wanted; j++)
			count_frame(counts, pyspy_trace_frame(trace, j));
	}
}

static int hotter_first(const void *left, const void *right)
{
	const struct function *a = left;
	const struct function *b = right;
	if (a->samples != b->samples)
		return a->samples < b->samples ? 1 : -1;
	return strcmp(a->name, b->name);
}

static void print_counts(struct counts *counts)
{
	printf("Total samples: %lu\nUnique functions: %zu\n\n", counts->stacks, counts->count);
	if (counts->count)
		qsort(counts->functions, counts->count, sizeof(*counts->functions), hotter_first);
	for (size_t i = 0; i < counts->count && i < HOTTEST; i++) {
		const struct function *function = &counts->functions[i];
		printf("%zu. %s:%s - %lu samples (%.2f%%)\n", i + 1, function->name, function->file,
		       function->samples,
		       100.0 * (double)function->samples / (double)counts->stacks);
	}
}

static void free_counts(struct counts *counts)
{
	for (size_t i = 0; i < counts->count; i++) {
		free(counts->functions[i].name);
		free(counts->functions[i].file);
	}
	free(counts->functions);
}

static pid_t start(char *const *command)
{
	pid_t pid = fork();
	if (pid == 0) {
		execvp(command[0], command);
		fprintf(stderr, "cannot run %s: %s\n", command[0], strerror(errno));
		_exit(127);
	}
	return pid;
}

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool may_pass(const struct pyspy_error *error)
{
	/* A process that is just ending has no memory any longer, but is still there. */
	return pyspy_error_code(error) == PYSPY_BUSY || pyspy_error_code(error) == PYSPY_NO_PROCESS;
}

/* Until the time is over or the program has ended; an error if it could not be sampled. */
static struct pyspy_error *sample(struct pyspy *spy, double seconds, struct counts *counts)
{
	const struct timespec interval = {.tv_nsec = INTERVAL_MS * 1000000L};
	double end = now() + seconds;
	while (now() < end) {
		struct pyspy_traces *traces;
		struct pyspy_error *error = pyspy_get_traces(spy, &traces);
		if (!error) {
			count_traces(counts, traces);
			pyspy_traces_free(traces);
		} else if (!pyspy_is_alive(spy)) {
			pyspy_error_free(error);
			fprintf(stderr, "warning: the program has exited\n");
			return NULL;
		} else if (!may_pass(error)) {
			return error;
		} else {
			pyspy_error_free(error);
		}
		nanosleep(&interval, NULL);
	}
	return NULL;
}

/* The program is this one's child: it is ended, and waited for. One that does not listen, or is
 * stopped, is killed. */
static void end(pid_t pid)
{
	const struct timespec interval = {.tv_nsec = INTERVAL_MS * 1000000L};
	int status;
	if (waitpid(pid, &status, WNOHANG) != 0)
		return;
	kill(pid, SIGTERM);
	for (double until = now() + END_SECONDS; now() < until; nanosleep(&interval, NULL)) {
		if (waitpid(pid, &status, WNOHANG) != 0)
			return;
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static int run(char *const *command, double seconds, struct counts *counts)
{
	struct pyspy *spy = NULL;
	pid_t pid = start(command);
	if (pid < 0) {
		perror("fork");
		return 1;
	}
	struct pyspy_error *error = pyspy_open_retry(pid, NULL, START_RETRIES, &spy);
	if (!error)
		error = sample(spy, seconds, counts);
	pyspy_close(spy);
	end(pid);
	if (error)
		fprintf(stderr, "%s\n", pyspy_error_message(error));
	int status = error ? 1 : 0;
	pyspy_error_free(error);
	return status;
}

int main(int argc, char **argv)
{
	struct counts counts = {0};
	double seconds = 10;
	int option;
	while ((option = getopt(argc, argv, "+ad:")) != -1) {
		if (option == 'a')
			counts.all = true;
		else if (option == 'd')
			seconds = strtod(optarg, NULL);
		else
			return 2;
	}
	if (optind == argc) {
		fprintf(stderr, "usage: %s [-a] [-d SECONDS] PYTHON PROGRAM [ARGUMENT...]\n",
			argv[0]);
		return 2;
	}
	int status = run(argv + optind, seconds, &counts);
	if (!status)
		print_counts(&counts);
	free_counts(&counts);
	return status;
}
