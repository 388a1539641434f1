/* A table of functions: what is their own, what is in all that they call too, and the shares. */
#include "common/cleanup.h"
#include "formats/profile_tree.h"
#include "formats/report_text.h"
#include "formats/unit_text.h"

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void write_amount(FILE *stream, uint64_t amount, enum profile_unit unit)
{
	if (unit == PROFILE_SAMPLES)
		fprintf(stream, " %10llu", (unsigned long long)amount);
	else
		fprintf(stream, " %9.2fs", (double)amount / 1e9);
}

static void write_head(FILE *stream, const struct report *report)
{
	const struct profile *profile = report->profile;
	char text[UNIT_TEXT_SIZE];
	report_extent_write(stream, profile);
	if (profile->last_ns > profile->first_ns) {
		span_text(profile->last_ns - profile->first_ns, text);
		fprintf(stream, ", over %s", text);
	}
	fputc('\n', stream);
	report_period_write(stream, profile, "", "\n");
	report_losses_write(stream, report);
}

static void write_row(FILE *stream, const struct report *report, const struct table_row *row)
{
	const struct profile *profile = report->profile;
	uint64_t whole = profile->total.of[report->unit];
	uint64_t own = row->own.of[report->unit];
	uint64_t total = row->total.of[report->unit];
	fprintf(stream, "%6.2f%% %6.2f%%", percent(own, whole), percent(total, whole));
	write_amount(stream, own, report->unit);
	write_amount(stream, total, report->unit);
	fputs("  ", stream);
	report_function_write(stream, profile, row->frame);
	fputc('\n', stream);
}

struct error *text_report(FILE *stream, const struct report *report)
{
	CLEANUP(profile_tree_deinit) struct profile_tree tree = {0};
	CLEANUP(profile_table_deinit) struct profile_table table = {0};
	bool counts = report->unit == PROFILE_SAMPLES;
	struct error *error = profile_tree_build(report->profile, &tree);
	if (!error)
		error = profile_table_build(&tree, TABLE_BY_FUNCTION, report->unit, &table);
	if (error)
		return error;
	write_head(stream, report);
	fprintf(stream, "\n   %%Own  %%Total %10s %10s  Function (file)\n",
		counts ? "Own" : "OwnTime", counts ? "Total" : "TotalTime");
	for (size_t i = 0; i < table.count; i++)
		write_row(stream, report, &table.rows[i]);
	return NULL;
}
