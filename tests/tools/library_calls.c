/*
 * Asks libpyspy for the stacks of a process again and again.
 *
 *     library_calls PID CALLS
 *
 * Prints one line of JSON: how many calls gave stacks, how many failed, how many a second, and the
 * resident memory after a tenth of the calls and after all, in KiB.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "include/pyspy.h"

static long resident_kib(void)
{
	long pages = 0;
	long total;
	FILE *file = fopen("/proc/self/statm", "re");
	if (!file || fscanf(file, "%ld %ld", &total, &pages) != 2)
		pages = 0;
	if (file)
		fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Gives whether there were stacks. */
static bool call(struct pyspy *spy, size_t *frames)
{
	struct pyspy_traces *traces;
	struct pyspy_error *error = pyspy_get_traces(spy, &traces);
	if (error) {
		fprintf(stderr, "%s\n", pyspy_error_message(error));
		pyspy_error_free(error);
		return false;
	}
	for (size_t i = 0; i < pyspy_traces_count(traces); i++)
		*frames += pyspy_traces_get(traces, i)->frame_count;
	pyspy_traces_free(traces);
	return true;
}

int main(int argc, char **argv)
{
	struct pyspy *spy;
	if (argc != 3)
		return 2;
	long calls = strtol(argv[2], NULL, 10);
	struct pyspy_error *error = pyspy_open((int32_t)strtol(argv[1], NULL, 10), NULL, &spy);
	if (error) {
		fprintf(stderr, "%s\n", pyspy_error_message(error));
		pyspy_error_free(error);
		return 1;
	}
	long good = 0;
	long early = 0;
	size_t frames = 0;
	double begin = now();
	for (long i = 0; i < calls; i++) {
		good += call(spy, &frames);
		if (i == calls / 10)
			early = resident_kib();
	}
	double seconds = now() - begin;
	printf("{\"good\": %ld, \"failed\": %ld, \"frames\": %zu, \"per_second\": %.1f, "
	       "\"early_kib\": %ld, \"late_kib\": %ld}\n",
	       good, calls - good, frames, (double)calls / seconds, early, resident_kib());
	pyspy_close(spy);
	return 0;
}
