#include "formats/report_text.h"

#include "common/terminal_text.h"
#include "formats/unit_text.h"

void report_extent_write(FILE *stream, const struct profile *profile)
{
	fprintf(stream, "%llu samples of %zu process%s, %llu stacks of threads",
		(unsigned long long)profile->samples, profile->process_count,
		profile->process_count == 1 ? "" : "es",
		(unsigned long long)profile->total.of[PROFILE_SAMPLES]);
}

void report_period_write(FILE *stream, const struct profile *profile, const char *before,
			 const char *after)
{
	char from[UNIT_TEXT_SIZE];
	char to[UNIT_TEXT_SIZE];
	if (!profile->first_ns)
		return;
	time_text(profile->first_ns, from);
	time_text(profile->last_ns, to);
	fprintf(stream, "%sfrom %s to %s%s", before, from, to, after);
}

void report_losses_write(FILE *stream, const struct report *report)
{
	for (const char *const *lost = report->lost; *lost; lost++) {
		fputs("missing: ", stream);
		terminal_text_write(stream, *lost);
		fputc('\n', stream);
	}
}

void report_function_write(FILE *stream, const struct profile *profile, uint32_t frame)
{
	const char *file = profile_text_of(profile, profile->frames[frame].file);
	terminal_text_write(stream, profile_text_of(profile, profile->frames[frame].name));
	if (!*file)
		return;
	fputs(" (", stream);
	terminal_text_write(stream, file);
	fputc(')', stream);
}
