/*
 * Profiles a process, and those that come from it, until it ends: each second a line of what was
 * seen, with what was late and what failed.
 *
 *     continuous [OPTION…] --pid PID        options as of `pyspy-analyze record`: -r, -d, -s, -g, …
 */
#include <inttypes.h>
#include <pyspy.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 1000 };

/* Of one second. */
struct second {
	unsigned long samples;
	unsigned long stacks;
	unsigned long errors;
	uint64_t missed;
	uint64_t late_ns; /* the longest */
	char last_error[256];
};

static void count_sample(struct second *second, const struct pyspy_sample *sample)
{
	second->samples++;
	second->stacks += pyspy_traces_count(sample->traces);
	second->missed += sample->missed;
	if (sample->late_ns > second->late_ns)
		second->late_ns = sample->late_ns;
	for (size_t i = 0; i < sample->error_count; i++) {
		const struct pyspy_process_error *error = pyspy_sample_error(sample, i);
		second->errors++;
		snprintf(second->last_error, sizeof(second->last_error), "process %d: %s (%s)",
			 (int)error->pid, error->message, pyspy_code_name(error->code));
	}
}

static void print_second(const struct second *second)
{
	if (!second->samples)
		return;
	printf("%lu samples, %lu stacks", second->samples, second->stacks);
	if (second->missed)
		printf(", %" PRIu64 " left out, %.1f ms behind", second->missed,
		       (double)second->late_ns / 1e6);
	if (second->errors)
		printf(", %lu errors: %s", second->errors, second->last_error);
	printf("\n");
	fflush(stdout);
}

/* Samples until those taken and left out make a second, `due`; true if there are more to come. */
static bool next_second(struct pyspy_sampler *sampler, uint64_t due, struct pyspy_error **ret)
{
	struct second second = {0};
	bool more = true;
	while (more && second.samples + second.missed < due) {
		struct pyspy_sample *sample = NULL;
		struct pyspy_error *error = pyspy_sampler_next(sampler, WAIT_MS, &sample);
		if (pyspy_error_code(error) == PYSPY_BUSY) {
			pyspy_error_free(error);
			continue;
		}
		*ret = error;
		more = !error && sample;
		if (more)
			count_sample(&second, sample);
		pyspy_sample_free(sample);
	}
	print_second(&second);
	return more;
}

int main(int argc, char **argv)
{
	struct pyspy_config config;
	struct pyspy_sampler *sampler = NULL;
	struct pyspy_error *error =
		pyspy_config_from_arguments(argc, argv, &config, sizeof(config));
	if (!error)
		error = pyspy_sampler_create(0, &config, &sampler);
	if (!error) {
		const char *version = pyspy_sampler_python_version(sampler);
		printf("sampling process %d (Python %s)\n", (int)config.pid,
		       version ? version : "of its children");
		while (next_second(sampler, config.sampling_rate, &error))
			;
	}
	if (error)
		fprintf(stderr, "%s\n", pyspy_error_message(error));
	else
		printf("ended\n");
	int status = !error ? 0 : pyspy_error_code(error) == PYSPY_USAGE ? 2 : 1;
	pyspy_error_free(error);
	pyspy_sampler_destroy(sampler);
	return status;
}
