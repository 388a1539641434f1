#include "common/python_layout.h"

static bool row_matches(const struct python_layout *row, struct python_version version,
			bool debug_build, bool free_threaded)
{
	return row->major == version.major && row->minor == version.minor &&
	       row->micro_first <= version.micro && version.micro <= row->micro_last &&
	       row->debug_build == debug_build && row->free_threaded == free_threaded;
}

static const struct python_layout *find_exact(struct python_version version, bool debug_build,
					      bool free_threaded)
{
	for (size_t i = 0; i < python_layout_row_count; i++)
		if (row_matches(&python_layout_rows[i], version, debug_build, free_threaded))
			return &python_layout_rows[i];
	return NULL;
}

const struct python_layout *python_layout_find(struct python_version version, bool debug_build,
					       bool free_threaded)
{
	const struct python_layout *row = find_exact(version, debug_build, free_threaded);
	/* The generator leaves a debug row out where no used field is elsewhere than in the release
	 * build's. */
	if (!row && debug_build)
		row = find_exact(version, false, free_threaded);
	return row;
}
