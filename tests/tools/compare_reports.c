/*
 * Whether a report is the same, byte for byte, if nothing of a sample is taken from the one before:
 * `compare_reports [OPTIONS OF report] FILE…`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/command.h"
#include "analyze/report_input.h"
#include "common/cleanup.h"

static void check(struct error *error)
{
	if (!error)
		return;
	fprintf(stderr, "compare_reports: %s\n", error->message);
	exit(1);
}

static void say(enum message_kind kind, const char *text)
{
	(void)kind;
	fprintf(stderr, "%s\n", text);
}

/* The report as a format writes it, and how many thread samples are in it. */
static uint64_t make(const struct analyze_options *options, bool anew, char **ret, size_t *ret_size)
{
	static const char *const nothing[] = {NULL};
	const struct command_context context = {options, say};
	const struct report_format *format =
		report_format_find(report_format_names[options->format]);
	struct tally tally = {.context = &context};
	struct profile profile;
	struct report_input input;
	check(report_input_init(options, format, &tally, &profile, &input));
	input.decode_anew = anew;
	for (size_t i = 0; i < options->inputs.count; i++)
		check(report_input_add(&input, options->inputs.items[i]));
	check(report_input_finish(&input));
	const struct report report = {
		.profile = &profile,
		.trail = input.trail,
		.unit = (enum profile_unit)options->weight,
		.title = "compared",
		.lost = input.lost.count ? input.lost.items : nothing,
	};
	FILE *stream = open_memstream(ret, ret_size);
	if (!stream)
		check(&error_out_of_memory);
	check(format->write(stream, &report));
	fclose(stream);
	uint64_t samples = profile.total.of[PROFILE_SAMPLES];
	report_input_deinit(&input);
	profile_deinit(&profile);
	return samples;
}

int main(int argc, char **argv)
{
	static char report_word[] = "report";
	struct analyze_options options = {0};
	char **words = calloc((size_t)argc + 2, sizeof(*words));
	char *texts[2];
	size_t sizes[2];
	if (!words)
		return 1;
	words[0] = argv[0];
	words[1] = report_word;
	for (int i = 1; i < argc; i++)
		words[i + 1] = argv[i];
	check(analyze_options_parse(argc + 1, words, &options));
	uint64_t samples = make(&options, false, &texts[0], &sizes[0]);
	if (make(&options, true, &texts[1], &sizes[1]) != samples || sizes[0] != sizes[1] ||
	    memcmp(texts[0], texts[1], sizes[0]) != 0) {
		fprintf(stderr, "compare_reports: the reports differ\n");
		return 1;
	}
	printf("{\"thread_samples\": %llu, \"bytes\": %zu}\n", (unsigned long long)samples,
	       sizes[0]);
	free(texts[0]);
	free(texts[1]);
	free(words);
	analyze_options_deinit(&options);
	return 0;
}
