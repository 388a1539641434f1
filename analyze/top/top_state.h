/* What the user of `top` has chosen, and how keys change it. */
#ifndef PYSPY_ANALYZE_TOP_TOP_STATE_H
#define PYSPY_ANALYZE_TOP_TOP_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A key is a character, or one of these, which are none. */
enum top_key {
	TOP_KEY_NONE = 0x200000,
	TOP_KEY_UP,
	TOP_KEY_DOWN,
	TOP_KEY_LEFT,
	TOP_KEY_RIGHT,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_END,
	TOP_KEY_ENTER,
	TOP_KEY_ESCAPE,
	TOP_KEY_BACKSPACE,
	TOP_KEY_RESIZE,
	TOP_KEY_CLOSED, /* the terminal is gone */
};

/* What is left to do for who holds the samples. */
enum top_action {
	TOP_ACTION_NONE = 0,
	TOP_ACTION_QUIT,
	TOP_ACTION_RESET,
	TOP_ACTION_PAUSE, /* or go on, as the state says */
	TOP_ACTION_REPAINT,
	TOP_ACTION_BACK,
	TOP_ACTION_FORWARD,
	TOP_ACTION_SLOWER,
	TOP_ACTION_FASTER,
};

enum top_column {
	TOP_OWN_PERCENT = 1,
	TOP_TOTAL_PERCENT,
	TOP_OWN_TIME,
	TOP_TOTAL_TIME,
};

enum top_mode { TOP_MODE_TABLE = 0, TOP_MODE_CALLS, TOP_MODE_THREADS, TOP_MODES };

#define TOP_NO_ENTRY UINT32_MAX

/* A list that is longer than the screen. The view says what there is, keys move in it. */
struct top_list {
	size_t first;	   /* row that is shown at the top */
	size_t cursor;	   /* row */
	bool has_cursor;   /* it was moved */
	bool upward;	   /* it was moved so: where it cannot stay, it goes on so */
	uint32_t followed; /* entry that the cursor stays on, or TOP_NO_ENTRY */
	/* Of what was drawn last. */
	size_t count;
	size_t page;	/* rows that fit */
	size_t home;	/* where the cursor begins */
	uint32_t entry; /* below the cursor; TOP_NO_ENTRY: none */
};

enum { TOP_FILTER_SIZE = 128, TOP_TRAIL_MAX = 32, TOP_MESSAGE_SIZE = 160 };

struct top_state {
	enum top_column sort;
	enum top_mode mode;
	bool lines; /* by line, not by function */
	bool gil;
	bool idle;
	bool paused;
	bool help;
	bool gil_unknown; /* told by the view: key g has nothing to choose by */
	bool editing;	  /* the filter */
	char filter[TOP_FILTER_SIZE];
	char filter_before[TOP_FILTER_SIZE];
	char message[TOP_MESSAGE_SIZE]; /* shown until the next key; "" for none */
	struct top_list lists[TOP_MODES];
	struct top_list help_list;
	/* Entries whose calls are looked at, each one reached from that before. */
	uint32_t trail[TOP_TRAIL_MAX];
	size_t trail_count;
};

/* As it opens: sorted by own time, by function. */
void top_state_init(struct top_state *state);

/* The list that keys move in. */
struct top_list *top_state_list(struct top_state *state);

enum top_action top_state_key(struct top_state *state, uint32_t key);

/* The keys for the help: NULL-terminated. */
struct top_key_help {
	const char *keys;
	const char *action;
};
extern const struct top_key_help top_key_helps[];

#endif
