#include "analyze/top/top_state.h"

#include <stdio.h>
#include <string.h>

#include "common/utf8.h"

const struct top_key_help top_key_helps[] = {
	{"1", "Sort by %Own (share of time in the function itself, now)"},
	{"2", "Sort by %Total (in the function and what it calls, now)"},
	{"3", "Sort by OwnTime (time in the function itself, overall)"},
	{"4", "Sort by TotalTime (in the function and what it calls, overall)"},
	{"L,l", "Toggle between aggregating by line number or by function"},
	{"R,r", "Reset statistics"},
	{"G,g", "Toggle between all threads and the holder of the GIL"},
	{"I,i", "Toggle between active threads and all"},
	{"T,t", "Threads with their current stacks, and back"},
	{"P,p", "Pause, and go on"},
	{"/", "Only functions with a text: Enter keeps it, Escape drops it"},
	{"Up, Down", "Choose a function; also PageUp, PageDown, Home, End"},
	{"Enter", "Callers and callees of the function; Escape leads back"},
	{"Left, Right", "In a file: five seconds back or forward"},
	{"<, >", "In a file: slower or faster"},
	{"X,x", "Exit this help screen"},
	{"q, Control-C", "Quit"},
	{NULL, NULL},
};

static void list_reset(struct top_list *list)
{
	*list = (struct top_list){.followed = TOP_NO_ENTRY, .entry = TOP_NO_ENTRY};
}

void top_state_init(struct top_state *state)
{
	*state = (struct top_state){.sort = TOP_OWN_TIME};
	for (size_t i = 0; i < TOP_MODES; i++)
		list_reset(&state->lists[i]);
	list_reset(&state->help_list);
}

struct top_list *top_state_list(struct top_state *state)
{
	return state->help ? &state->help_list : &state->lists[state->mode];
}

/* Entries have other numbers by line than by function. */
static void toggle_lines(struct top_state *state)
{
	state->lines = !state->lines;
	state->trail_count = 0;
	if (state->mode == TOP_MODE_CALLS)
		state->mode = TOP_MODE_TABLE;
	list_reset(&state->lists[TOP_MODE_TABLE]);
}

static void toggle_gil(struct top_state *state)
{
	if (!state->gil && state->gil_unknown)
		snprintf(state->message, sizeof(state->message),
			 "It cannot be known here which thread holds the GIL");
	else
		state->gil = !state->gil;
}

static void move(struct top_list *list, uint32_t key)
{
	size_t last = list->count ? list->count - 1 : 0;
	size_t page = list->page > 1 ? list->page : 1;
	/* The first key shows where the cursor is. */
	size_t step = list->has_cursor ? 1 : 0;
	if (!list->has_cursor)
		list->cursor = list->home;
	list->has_cursor = true;
	list->upward = key == TOP_KEY_UP || key == TOP_KEY_PAGE_UP;
	list->followed = TOP_NO_ENTRY;
	switch (key) {
	case TOP_KEY_UP:
		list->cursor -= list->cursor ? step : 0;
		break;
	case TOP_KEY_DOWN:
		list->cursor += step;
		break;
	case TOP_KEY_PAGE_UP:
		list->cursor -= list->cursor < page ? list->cursor : page;
		break;
	case TOP_KEY_PAGE_DOWN:
		list->cursor += page;
		break;
	case TOP_KEY_HOME:
		list->cursor = 0;
		list->has_cursor = false;
		break;
	default:
		list->cursor = last;
	}
	if (list->cursor > last)
		list->cursor = last;
}

static void show_calls(struct top_state *state)
{
	uint32_t entry = state->lists[state->mode].entry;
	if (state->mode == TOP_MODE_THREADS || entry == TOP_NO_ENTRY)
		return;
	if (state->mode == TOP_MODE_CALLS && state->trail_count &&
	    state->trail[state->trail_count - 1] == entry)
		return;
	if (state->trail_count == TOP_TRAIL_MAX) {
		memmove(state->trail, state->trail + 1,
			sizeof(state->trail[0]) * --state->trail_count);
	}
	state->trail[state->trail_count++] = entry;
	state->mode = TOP_MODE_CALLS;
	list_reset(&state->lists[TOP_MODE_CALLS]);
}

/* What was opened last is left first. */
static void go_back(struct top_state *state)
{
	if (state->help) {
		state->help = false;
	} else if (state->mode == TOP_MODE_CALLS) {
		list_reset(&state->lists[TOP_MODE_CALLS]);
		if (state->trail_count)
			state->trail_count--;
		if (!state->trail_count)
			state->mode = TOP_MODE_TABLE;
	} else if (state->mode == TOP_MODE_THREADS) {
		state->mode = state->trail_count ? TOP_MODE_CALLS : TOP_MODE_TABLE;
	} else {
		state->filter[0] = '\0';
	}
}

static void filter_add(struct top_state *state, uint32_t character)
{
	char bytes[UTF8_MAX_BYTES];
	size_t size = character >= ' ' ? utf8_encode(character, bytes) : 0;
	size_t length = strlen(state->filter);
	if (!size || character == 0x7f || length + size >= sizeof(state->filter))
		return;
	memcpy(state->filter + length, bytes, size);
	state->filter[length + size] = '\0';
}

static void filter_remove(struct top_state *state)
{
	size_t length = strlen(state->filter);
	/* Bytes that continue a character begin with the bits 10. */
	while (length && ((unsigned char)state->filter[--length] & 0xc0) == 0x80)
		;
	state->filter[length] = '\0';
}

static enum top_action edit(struct top_state *state, uint32_t key)
{
	switch (key) {
	case TOP_KEY_ENTER:
		state->editing = false;
		break;
	case TOP_KEY_ESCAPE:
		state->editing = false;
		memcpy(state->filter, state->filter_before, sizeof(state->filter));
		break;
	case TOP_KEY_BACKSPACE:
		state->editing = state->filter[0] != '\0';
		filter_remove(state);
		break;
	case TOP_KEY_CLOSED:
		return TOP_ACTION_QUIT;
	default:
		if (key < TOP_KEY_NONE)
			filter_add(state, key);
	}
	list_reset(&state->lists[TOP_MODE_TABLE]);
	list_reset(&state->lists[TOP_MODE_THREADS]);
	return TOP_ACTION_NONE;
}

static void begin_edit(struct top_state *state)
{
	memcpy(state->filter_before, state->filter, sizeof(state->filter));
	state->filter[0] = '\0';
	state->editing = true;
	if (state->mode == TOP_MODE_CALLS) {
		state->mode = TOP_MODE_TABLE;
		state->trail_count = 0;
	}
}

static void toggle_threads(struct top_state *state)
{
	if (state->mode == TOP_MODE_THREADS)
		go_back(state);
	else
		state->mode = TOP_MODE_THREADS;
}

static enum top_action press_letter(struct top_state *state, uint32_t key)
{
	switch (key) {
	case 'l':
		toggle_lines(state);
		break;
	case 'g':
		toggle_gil(state);
		break;
	case 'i':
		state->idle = !state->idle;
		break;
	case 't':
		toggle_threads(state);
		break;
	case 'r':
		return TOP_ACTION_RESET;
	case 'p':
		state->paused = !state->paused;
		return TOP_ACTION_PAUSE;
	case 'q':
		return TOP_ACTION_QUIT;
	default:
		break;
	}
	return TOP_ACTION_NONE;
}

static enum top_action press(struct top_state *state, uint32_t key)
{
	switch (key) {
	case '1' ... '4':
		state->sort = (enum top_column)(key - '0');
		break;
	case '?':
		state->help = true;
		break;
	case '/':
		begin_edit(state);
		break;
	case '<':
	case ',':
		return TOP_ACTION_SLOWER;
	case '>':
	case '.':
		return TOP_ACTION_FASTER;
	case ' ':
		return press_letter(state, 'p');
	case 'L' - '@': /* Control-L, as everywhere */
		return TOP_ACTION_REPAINT;
	case TOP_KEY_ENTER:
		show_calls(state);
		break;
	case 'x':
	case 'X':
	case TOP_KEY_ESCAPE:
	case TOP_KEY_BACKSPACE:
		go_back(state);
		break;
	case TOP_KEY_LEFT:
		return TOP_ACTION_BACK;
	case TOP_KEY_RIGHT:
		return TOP_ACTION_FORWARD;
	case TOP_KEY_UP:
	case TOP_KEY_DOWN:
	case TOP_KEY_PAGE_UP:
	case TOP_KEY_PAGE_DOWN:
	case TOP_KEY_HOME:
	case TOP_KEY_END:
		move(top_state_list(state), key);
		break;
	case TOP_KEY_RESIZE:
		return TOP_ACTION_REPAINT;
	case TOP_KEY_CLOSED:
		return TOP_ACTION_QUIT;
	default:
		return press_letter(state, key >= 'A' && key <= 'Z' ? key - 'A' + 'a' : key);
	}
	return TOP_ACTION_NONE;
}

enum top_action top_state_key(struct top_state *state, uint32_t key)
{
	state->message[0] = '\0';
	if (key == TOP_KEY_RESIZE)
		return TOP_ACTION_REPAINT;
	return state->editing ? edit(state, key) : press(state, key);
}
