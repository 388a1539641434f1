/* The screen of `top`, laid out for a size: a header of two heights, a list, a line of status. */
#ifndef PYSPY_ANALYZE_TOP_TOP_VIEW_H
#define PYSPY_ANALYZE_TOP_TOP_VIEW_H

#include "analyze/top/top_page.h"
#include "analyze/top/top_rows.h"

/* What is shown besides the counts. */
struct top_scene {
	const struct top_processes *processes;
	bool subprocesses; /* children were asked for */
	bool is_replay;	   /* of a file: the next three mean something */
	uint64_t position_ns;
	double part;	    /* of the file that was played */
	double speed;	    /* 0: as fast as can be */
	const char *status; /* why there are no further samples; NULL: there are */
};

/*
 * Draw into a page, which has been begun. `rows` is the view's own memory, kept from one drawing to
 * the next. The state's lists learn what is in them.
 */
struct error *top_view_draw(const struct top_scene *scene, struct top_state *state,
			    struct top_rows *rows, struct top_page *page);

#endif
