#include "analyze/tally.h"

#include "analyze/input.h"
#include "analyze/progress.h"
#include "common/cleanup.h"

void tally_failure(struct tally *tally, struct error *error)
{
	if (!tally->failed++)
		tally->first_failure = exit_status_of(error->code);
	progress_clear();
	tally->context->message(MESSAGE_ERROR, error->message);
	error_destroy(error);
}

void tally_note(struct tally *tally, const char *path, const char *text)
{
	CLEANUP_FREE char *line = NULL;
	/* Without memory for the file's name, what is lost is still said. */
	if (asprintf(&line, "%s: %s", input_name(path), text) < 0)
		line = NULL;
	progress_clear();
	tally->context->message(MESSAGE_WARNING, line ? line : text);
}

void tally_loss(struct tally *tally, const char *path, const char *text)
{
	tally->partial = true;
	tally_note(tally, path, text);
}

enum exit_status tally_status(const struct tally *tally)
{
	if (tally->failed && !tally->shown)
		return tally->first_failure;
	return tally->failed || tally->partial ? EXIT_STATUS_PARTIAL : EXIT_STATUS_DONE;
}
