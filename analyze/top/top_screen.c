#include "analyze/top/top_screen.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/top/top_signals.h"
#include "analyze/top/top_state.h"
#include "common/cleanup.h"
#include "common/terminal_text.h"

/* Last, for they have macros of many names. */
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <term.h>

/* Between the Escape key and what is only the first byte of another one. */
enum { ESCAPE_MS = 25 };

enum { PAIR_NAME = 1, PAIR_WARNING, PAIR_SELECTED };

struct top_screen {
	FILE *input;
	SCREEN *curses;
	bool ascii;
	bool repaint;
	attr_t attributes[TOP_STYLES];
	short pairs[TOP_STYLES];
};

static struct error *open_input(FILE **ret)
{
	/* A descriptor of its own, so that it can be closed again. */
	int fd = isatty(STDIN_FILENO) ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
				      : open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (fd < 0 || !isatty(fd)) {
		int errnum = errno;
		if (fd >= 0)
			close(fd);
		return error_errno(ERROR_UNSUPPORTED, errnum,
				   "there is no terminal to read keys from");
	}
	*ret = fdopen(fd, "r");
	if (!*ret) {
		close(fd);
		return &error_out_of_memory;
	}
	return NULL;
}

static struct error *check_output(void)
{
	const char *type = getenv("TERM");
	if (!isatty(STDOUT_FILENO))
		return error_create(ERROR_UNSUPPORTED,
				    "standard output is no terminal; for a table without one use: "
				    "pyspy-analyze report --format text");
	if (!type || !*type)
		return error_create(ERROR_UNSUPPORTED,
				    "TERM is not set: it is not known what terminal this is");
	return NULL;
}

static struct error *no_screen(const char *reason)
{
	return error_create(ERROR_UNSUPPORTED,
			    "the terminal '%.64s' (TERM) %s; for a table without it use: "
			    "pyspy-analyze report --format text",
			    getenv("TERM"), reason);
}

/* Where tputs(3) puts what top_restore is to have. */
static struct top_restore restore;

static int collect(int byte)
{
	if (restore.size < sizeof(restore.bytes))
		restore.bytes[restore.size++] = (char)byte;
	return byte;
}

static void guard(FILE *input, const struct termios *modes)
{
	static const char *const names[] = {"sgr0", "rmkx", "cnorm", "rmcup"};
	restore.output = STDOUT_FILENO;
	restore.input = fileno(input);
	restore.modes = *modes;
	restore.size = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *sequence = tigetstr(names[i]);
		if (sequence && sequence != (const char *)-1)
			tputs(sequence, 1, collect);
	}
	top_signals_guard(&restore);
}

static void choose_styles(struct top_screen *screen, bool color)
{
	static const attr_t plain[TOP_STYLES] = {
		[TOP_STRONG] = A_BOLD,
		[TOP_FAINT] = A_DIM,
		[TOP_HEADING] = A_REVERSE,
		[TOP_SORTED] = A_REVERSE | A_BOLD | A_UNDERLINE,
		[TOP_SELECTED] = A_BOLD | A_REVERSE,
		[TOP_WARNING] = A_BOLD,
	};
	memcpy(screen->attributes, plain, sizeof(plain));
	if (!color || !has_colors() || start_color() == ERR)
		return;
	short background = use_default_colors() == OK ? -1 : COLOR_BLACK;
	init_pair(PAIR_NAME, COLOR_GREEN, background);
	init_pair(PAIR_WARNING, COLOR_RED, background);
	init_pair(PAIR_SELECTED, COLOR_BLACK, COLOR_CYAN);
	screen->pairs[TOP_NAME] = PAIR_NAME;
	screen->pairs[TOP_WARNING] = PAIR_WARNING;
	screen->pairs[TOP_SELECTED] = PAIR_SELECTED;
	screen->attributes[TOP_SELECTED] = 0;
}

static void set_modes(void)
{
	cbreak();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	curs_set(0);
}

static bool can(const char *name)
{
	const char *sequence = tigetstr(name);
	return sequence && sequence != (const char *)-1;
}

/* newterm(3) takes terminals that cannot do what it takes. */
static struct error *check_terminal(void)
{
	int status;
	if (setupterm(NULL, STDOUT_FILENO, &status) != OK)
		return no_screen("is not known to this machine");
	return can("cup") && can("clear") ? NULL : no_screen("cannot move its cursor");
}

struct error *top_screen_take(struct top_screen *screen, bool no_color)
{
	struct termios modes;
	if (tcgetattr(fileno(screen->input), &modes) < 0)
		return error_errno(ERROR_IO, errno, "cannot read the terminal's modes");
	struct error *error = top_signals_begin();
	if (error)
		return error;
	screen->curses = newterm(NULL, stdout, screen->input);
	if (!screen->curses) {
		top_signals_end();
		return no_screen("cannot be used");
	}
	guard(screen->input, &modes);
	set_modes();
	choose_styles(screen, terminal_color_wanted(no_color, stdout));
	return NULL;
}

struct error *top_screen_open(struct top_screen **ret)
{
	CLEANUP(top_screen_destroyp) struct top_screen *screen = calloc(1, sizeof(*screen));
	if (!screen)
		return &error_out_of_memory;
	struct error *error = check_output();
	if (!error)
		error = open_input(&screen->input);
	if (!error)
		error = check_terminal();
	if (error)
		return error;
	/* Only what characters are: numbers are written as ever. */
	setlocale(LC_CTYPE, "");
	screen->ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	*ret = TAKE_POINTER(screen);
	return NULL;
}

void top_screen_destroyp(struct top_screen **screen)
{
	struct top_screen *taken = *screen;
	if (!taken)
		return;
	if (taken->curses) {
		endwin();
		top_signals_end();
		delscreen(taken->curses);
	}
	if (taken->input)
		fclose(taken->input);
	free(taken);
	*screen = NULL;
}

void top_screen_begin(struct top_screen *screen, struct top_page *page)
{
	int height = getmaxy(stdscr);
	int width = getmaxx(stdscr);
	top_page_begin(page, (unsigned)width, (unsigned)height, screen->ascii);
}

void top_screen_show(struct top_screen *screen, const struct top_page *page)
{
	erase();
	if (screen->repaint)
		clear();
	screen->repaint = false;
	for (size_t i = 0; i < page->span_count; i++) {
		const struct top_span *span = &page->spans[i];
		attr_set(screen->attributes[span->style], screen->pairs[span->style], NULL);
		mvaddnstr((int)span->row, (int)span->column,
			  (const char *)page->text.data + span->begin,
			  (int)(span->end - span->begin));
	}
	attr_set(A_NORMAL, 0, NULL);
	refresh();
}

void top_screen_repaint(struct top_screen *screen)
{
	screen->repaint = true;
}

void top_screen_stop(struct top_screen *screen)
{
	def_prog_mode();
	endwin();
	top_signals_stop();
	reset_prog_mode();
	screen->repaint = true;
	refresh();
}

static const struct {
	wint_t code;
	uint32_t key;
} function_keys[] = {
	{KEY_UP, TOP_KEY_UP},	      {KEY_DOWN, TOP_KEY_DOWN},
	{KEY_LEFT, TOP_KEY_LEFT},     {KEY_RIGHT, TOP_KEY_RIGHT},
	{KEY_PPAGE, TOP_KEY_PAGE_UP}, {KEY_NPAGE, TOP_KEY_PAGE_DOWN},
	{KEY_HOME, TOP_KEY_HOME},     {KEY_END, TOP_KEY_END},
	{KEY_ENTER, TOP_KEY_ENTER},   {KEY_BACKSPACE, TOP_KEY_BACKSPACE},
	{KEY_RESIZE, TOP_KEY_RESIZE}, {KEY_FIND, TOP_KEY_HOME},
	{KEY_SELECT, TOP_KEY_END},
};

static uint32_t character_key(wint_t character)
{
	switch (character) {
	case '\r':
	case '\n':
		return TOP_KEY_ENTER;
	case 0x1b:
		return TOP_KEY_ESCAPE;
	case '\b':
	case 0x7f:
		return TOP_KEY_BACKSPACE;
	default:
		return character;
	}
}

uint32_t top_screen_key(struct top_screen *screen)
{
	wint_t code = 0;
	int kind = get_wch(&code);
	(void)screen;
	if (kind == OK)
		return character_key(code);
	for (size_t i = 0;
	     kind == KEY_CODE_YES && i < sizeof(function_keys) / sizeof(*function_keys); i++) {
		if (function_keys[i].code == code)
			return function_keys[i].key;
	}
	/* Another key: one that nothing is done with, so that what is behind it is read too. */
	return kind == KEY_CODE_YES ? 0 : TOP_KEY_NONE;
}

int top_screen_fd(const struct top_screen *screen)
{
	return fileno(screen->input);
}
