/* Two profiles as a table of functions: shares before and after, what changed most first. */
#include <math.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "formats/profile_diff.h"
#include "formats/profile_tree.h"
#include "formats/report_text.h"

static int compare_changes(const void *a, const void *b, void *context)
{
	const struct profile_weight *whole = context;
	const struct table_row *first = a;
	const struct table_row *second = b;
	struct diff_shares first_own = diff_shares_of(whole, &first->own);
	struct diff_shares second_own = diff_shares_of(whole, &second->own);
	struct diff_shares first_total = diff_shares_of(whole, &first->total);
	struct diff_shares second_total = diff_shares_of(whole, &second->total);
	double own = fabs(second_own.after - second_own.before) -
		     fabs(first_own.after - first_own.before);
	double total = fabs(second_total.after - second_total.before) -
		       fabs(first_total.after - first_total.before);
	if (own > 0 || own < 0)
		return own > 0 ? 1 : -1;
	if (total > 0 || total < 0)
		return total > 0 ? 1 : -1;
	return first->frame < second->frame ? -1 : first->frame > second->frame;
}

static void write_row(FILE *stream, const struct profile *profile, const struct table_row *row)
{
	struct diff_shares own = diff_shares_of(&profile->total, &row->own);
	struct diff_shares total = diff_shares_of(&profile->total, &row->total);
	fprintf(stream, "%7.2f%% %7.2f%% %+8.2f  %7.2f%% %7.2f%% %+8.2f  ", own.before, own.after,
		own.after - own.before, total.before, total.after, total.after - total.before);
	report_function_write(stream, profile, row->frame);
	fputc('\n', stream);
}

struct error *text_diff(FILE *stream, const struct report *report)
{
	CLEANUP(profile_tree_deinit) struct profile_tree tree = {0};
	CLEANUP(profile_table_deinit) struct profile_table table = {0};
	struct profile_weight whole = report->profile->total;
	struct error *error = profile_tree_build(report->profile, &tree);
	if (!error)
		error = profile_table_build(&tree, TABLE_BY_FUNCTION, PROFILE_SAMPLES, &table);
	if (error)
		return error;
	qsort_r(table.rows, table.count, sizeof(*table.rows), compare_changes, &whole);
	report_losses_write(stream, report);
	fputs("     Own                           Total\n"
	      "  before    after   change    before    after   change  Function (file)\n",
	      stream);
	for (size_t i = 0; i < table.count; i++)
		write_row(stream, report->profile, &table.rows[i]);
	return NULL;
}
