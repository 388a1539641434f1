/* The terminal of `top`. The only file that knows ncurses. */
#ifndef PYSPY_ANALYZE_TOP_TOP_SCREEN_H
#define PYSPY_ANALYZE_TOP_TOP_SCREEN_H

#include "analyze/top/top_page.h"

struct top_screen;

/*
 * The terminal that standard output is, with keys from standard input or, if that is none, from the
 * process's own terminal. It is left as it is; ERROR_UNSUPPORTED says why it cannot be used. One at
 * a time.
 */
struct error *top_screen_open(struct top_screen **ret);
/* From here on it shows pages. Once. */
struct error *top_screen_take(struct top_screen *screen, bool no_color);
/* Gives the terminal back as it was. */
void top_screen_destroyp(struct top_screen **screen);

/* Begin a page of the terminal's size. */
void top_screen_begin(struct top_screen *screen, struct top_page *page);
void top_screen_show(struct top_screen *screen, const struct top_page *page);
/* Draw all of the next page, also what should be there already. */
void top_screen_repaint(struct top_screen *screen);

/* Give the terminal back and stop; it is taken again when this goes on. */
void top_screen_stop(struct top_screen *screen);

/* The next key (enum top_key, or a character), TOP_KEY_NONE if there is none. */
uint32_t top_screen_key(struct top_screen *screen);
/* To be polled for keys. */
int top_screen_fd(const struct top_screen *screen);

#endif
