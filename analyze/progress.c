#include "analyze/progress.h"

#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "common/terminal_text.h"

enum { BAR_WIDTH = 40, REDRAW_MS = 100 };

/* One terminal, one bar. */
static struct {
	bool shown; /* there may be one */
	bool drawn;
	size_t files;
	size_t file;
	uint64_t drawn_ms;
} bar;

static uint64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void progress_begin(bool hidden, size_t files)
{
	bar.shown = !hidden && isatty(STDERR_FILENO);
	bar.drawn = false;
	bar.files = files;
	bar.file = 0;
	bar.drawn_ms = now_ms();
}

static void draw(double part)
{
	char text[BAR_WIDTH + 1];
	int full = (int)(part * BAR_WIDTH);
	for (int i = 0; i < BAR_WIDTH; i++)
		text[i] = i < full ? '#' : '.';
	text[BAR_WIDTH] = '\0';
	fprintf(stderr, "\r[%s] %3d%%, file %zu of %zu", text, (int)(part * 100), bar.file + 1,
		bar.files);
	fflush(stderr);
	bar.drawn = true;
}

static void update(double of_file)
{
	uint64_t now = now_ms();
	if (!bar.files || now - bar.drawn_ms < REDRAW_MS)
		return;
	bar.drawn_ms = now;
	draw(((double)bar.file + of_file) / (double)bar.files);
}

void progress_file(size_t index)
{
	bar.file = index;
	if (bar.shown)
		update(0);
}

void progress_samples(size_t index, size_t count)
{
	if (bar.shown && count)
		update((double)index / (double)count);
}

bool progress_due(void)
{
	return bar.shown && now_ms() - bar.drawn_ms >= REDRAW_MS;
}

void progress_text(const char *text)
{
	bar.drawn_ms = now_ms();
	bar.drawn = true;
	fputc('\r', stderr);
	terminal_text_write(stderr, text);
	fputs("\x1b[K", stderr);
	fflush(stderr);
}

void progress_clear(void)
{
	if (bar.drawn)
		fputs("\r\x1b[K", stderr);
	bar.drawn = false;
}

void progress_end(void)
{
	progress_clear();
	bar.shown = false;
}
