/*
 * Signals while the terminal is not as it was found. Those that end a program wake the loop, which
 * then leaves in order; one that comes while another waits, and crashes, put the terminal back
 * themselves. Size changes and stops (Control-Z) are ncurses' own, and come in top_signals_poll
 * only.
 */
#ifndef PYSPY_ANALYZE_TOP_TOP_SIGNALS_H
#define PYSPY_ANALYZE_TOP_TOP_SIGNALS_H

#include <poll.h>
#include <stddef.h>
#include <termios.h>

#include "common/error.h"

/* What brings a terminal back: bytes to write to `output`, and its modes. */
struct top_restore {
	int output;
	int input;
	struct termios modes;
	char bytes[256];
	size_t size;
};

/* Before ncurses is initialised, which takes what nobody has taken yet. */
struct error *top_signals_begin(void);
/* From here on, until top_signals_end, the terminal is to be put back. */
void top_signals_guard(const struct top_restore *restore);
void top_signals_end(void);

/* The signal that asks to end, or 0. */
int top_signals_pending(void);
/* Control-Z was pressed; then, when the terminal is given back, stop until somebody lets this go
 * on. */
bool top_signals_stop_wanted(void);
void top_signals_stop(void);
/* After the end: one that is not the user's own way to leave, Control-C, ends the program as if it
 * had not been caught. */
void top_signals_pass_on(void);
/* poll(2) that such signals, and size changes, end. Milliseconds; -1: no limit. */
void top_signals_poll(struct pollfd *items, nfds_t count, int timeout_ms);

#endif
