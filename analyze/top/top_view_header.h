/* The header of `top`: what is sampled, how that goes, and the sums. */
#ifndef PYSPY_ANALYZE_TOP_TOP_VIEW_HEADER_H
#define PYSPY_ANALYZE_TOP_TOP_VIEW_HEADER_H

#include "analyze/top/top_view.h"

/* Below this height the header is one line and not four. */
enum { TOP_TALL_HEIGHT = 12 };

void top_view_header(const struct top_scene *scene, const struct top_state *state,
		     struct top_page *page);
/* The last line of the screen. */
void top_view_status(const struct top_scene *scene, const struct top_state *state,
		     struct top_page *page);

#endif
