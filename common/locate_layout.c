#include "common/locate_layout.h"

#include <string.h>

#include "common/debug_offsets.h"
#include "common/facts.h"
#include "common/locate_old.h"
#include "common/locate_scan.h"
#include "common/locate_trial.h"

static bool search_validate(struct locate_search *search, uint64_t runtime,
			    const struct python_layout *layout, bool *ret_started)
{
	if (!search->trusted && layout->interpreter.id == LAYOUT_ABSENT)
		return validate_interpreters(search->options->memory, runtime, layout, ret_started);
	if (!search->trusted)
		return validate_runtime(search->options->memory, runtime, layout, ret_started);
	/* Before 3.7 nothing that is looked at here differs in debug builds. */
	if (layout->interpreter.id == LAYOUT_ABSENT &&
	    layout->debug_build != search->options->hint->layout.debug_build)
		return false;
	*ret_started = runtime_is_started(search->options->memory, runtime, layout);
	return *ret_started;
}

/* Where mutexes are as long everywhere, there is one place only for what lies behind them. */
static void layout_fit_machine(struct python_layout *layout, int32_t machine)
{
	if (machine != MACHINE_AARCH64)
		layout->runtime.tstate_current_wide = LAYOUT_ABSENT;
}

/* A version whose offsets could be read can still be told otherwise by its version's text. */
static struct error *check_versions(struct python_version told, struct python_version text)
{
	char offsets_version[PYTHON_VERSION_TEXT_SIZE];
	char text_version[PYTHON_VERSION_TEXT_SIZE];
	if (!text.major || (told.major == text.major && told.minor == text.minor))
		return NULL;
	python_version_format(told, offsets_version);
	python_version_format(text, text_version);
	return error_create(ERROR_FORMAT,
			    "_Py_DebugOffsets is of CPython %s, the interpreter is %s",
			    offsets_version, text_version);
}

/* Of parts of a layout that are offsets alone: nothing lies between them. */
static bool same_offsets(const void *a, const void *b, size_t size)
{
	return memcmp(a, b, size) == 0;
}

/* Whether objects, frames and threads are made as this program knows it of the version. */
static bool layout_is_as_known(const struct python_layout *layout, struct python_version version)
{
	for (int debug = 0; debug <= 1; debug++) {
		const struct python_layout *row =
			python_layout_find(version, debug, layout->free_threaded);
		if (!row)
			continue;
		/* What a release adds at a structure's end moves nothing (3.13.x). */
		struct python_layout told = *layout;
		told.thread.size = row->thread.size;
		if (same_offsets(&row->thread, &told.thread, sizeof(row->thread)) &&
		    same_offsets(&row->frame, &told.frame,
				 offsetof(struct python_layout, frame.owner_thread) -
					 offsetof(struct python_layout, frame)) &&
		    row->frame.reference_tag_mask == told.frame.reference_tag_mask &&
		    same_offsets(&row->code, &told.code, sizeof(row->code)) &&
		    same_offsets(&row->object, &told.object, sizeof(row->object)) &&
		    same_offsets(&row->tuple, &told.tuple, sizeof(row->tuple)) &&
		    same_offsets(&row->bytes, &told.bytes, sizeof(row->bytes)) &&
		    same_offsets(&row->unicode, &told.unicode, sizeof(row->unicode)))
			return true;
	}
	return false;
}

/*
 * A version that nobody knows: by the newest layout, if everything about the target agrees. Takes
 * `unknown`, the error that says that it is not known.
 */
static struct error *assume_layout(struct locate_search *search, uint64_t runtime,
				   struct error *unknown, struct python_location *location)
{
	struct memory *memory = search->options->memory;
	char text[PYTHON_VERSION_TEXT_SIZE];
	const char *reason = NULL;
	bool started = false;
	struct error *error =
		debug_offsets_assume(memory, runtime, &location->version, &location->layout);
	if (error && error->code == ERROR_UNSUPPORTED) {
		error_destroy(error);
		return unknown;
	}
	error_destroy(unknown);
	python_version_format(location->version, text);
	if (error && error->code == ERROR_FORMAT)
		return error_prefix(
			error, "CPython %s is not known, and the newest layout does not fit", text);
	if (error)
		return error;
	if (!search_validate(search, runtime, &location->layout, &started))
		reason = "no interpreter was found";
	search->seen_runtime |= !reason;
	if (!reason && !started)
		return &error_not_found;
	if (!reason) {
		struct python_location trial = *location;
		trial.runtime_address = runtime;
		trial.layout_known = true;
		error = locate_trial(memory, &trial, &reason);
		if (error)
			return error;
	}
	if (reason)
		return error_create(
			ERROR_UNSUPPORTED,
			"CPython %s is not known, and the layout of %u.%u does not fit: "
			"%s; a newer pyspy-analyze may know it",
			text, location->layout.major, location->layout.minor, reason);
	location->layout_known = true;
	location->layout_assumed = true;
	return NULL;
}

/* The way of versions that tell their offsets; ERROR_NOT_FOUND with `ret_tells` false for others.
 */
static struct error *layout_by_offsets(struct locate_search *search, uint64_t runtime,
				       struct python_version version,
				       struct python_location *location, bool *ret_tells)
{
	bool started = false;
	struct error *error = debug_offsets_read(search->options->memory, runtime,
						 &location->version, &location->layout);
	*ret_tells = !error || error->code != ERROR_NOT_FOUND;
	if (location->version.major && *ret_tells && error) {
		search->seen_version = true;
		search->version = location->version;
	}
	if (error && error->code == ERROR_UNSUPPORTED && search->options->assume_layout)
		error = assume_layout(search, runtime, error, location);
	else if (!error && !search_validate(search, runtime, &location->layout, &started))
		return &error_not_found;
	else if (!error) {
		search->seen_runtime = true;
		location->layout_known = true;
		location->layout_differs =
			!layout_is_as_known(&location->layout, location->version);
		if (!started)
			return &error_not_found;
	}
	if (!error)
		error = check_versions(location->version, version);
	if (!error || error->code != ERROR_FORMAT)
		return error;
	/* What is damaged is there all the same: it cannot be read. */
	struct error *damaged = error_create(ERROR_UNSUPPORTED, "%s", error->message);
	error_destroy(error);
	location->layout_known = false;
	location->layout_assumed = false;
	return damaged;
}

struct error *layout_for_runtime(struct locate_search *search, uint64_t runtime,
				 struct python_version version, struct python_location *location)
{
	bool started = false;
	bool tells = false;
	struct error *error = layout_by_offsets(search, runtime, version, location, &tells);
	if (tells)
		return error;
	error_destroy(error);
	if (!version.major)
		return &error_not_found;
	location->version = version;
	for (int debug = 0; debug <= 1; debug++) {
		const struct python_layout *row = python_layout_find(version, debug, false);
		if (!row || !search_validate(search, runtime, row, &started))
			continue;
		search->seen_runtime = true;
		if (!started)
			continue;
		location->layout = *row;
		location->layout_known = true;
		layout_fit_machine(&location->layout, search->options->machine);
		return NULL;
	}
	if (!python_layout_find(version, false, false)) {
		char text[PYTHON_VERSION_TEXT_SIZE];
		python_version_format(version, text);
		return error_create(ERROR_UNSUPPORTED,
				    "CPython %s was found, but this program knows no layout for "
				    "it; a newer pyspy-analyze may, from a core or a snapshot of "
				    "level full",
				    text);
	}
	return &error_not_found;
}
