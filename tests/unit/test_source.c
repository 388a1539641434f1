/* Source files by lines, and source lines below frames. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/profile/frame_source.h"
#include "analyze/source_file.h"
#include "analyze/source_lines.h"
#include "common/cleanup.h"
#include "formats/source_text.h"
#include "tests/unit/cmocka_headers.h"

static char folder[] = "/tmp/pyspy-test-XXXXXX";
static char path[64];

static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/module.py", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void put_bytes(const char *bytes, size_t size)
{
	CLEANUP_FCLOSE FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
}

static bool read_file(struct source_file *ret)
{
	bool found;
	*ret = (struct source_file){0};
	assert_null(source_file_read(NULL, path, ret, &found));
	return found;
}

static void assert_line(const struct source_file *file, int32_t line, const char *expected,
			bool expected_escaped)
{
	CLEANUP_FREE char *text = NULL;
	bool escaped = false;
	assert_null(source_file_line(file, line, &text, &escaped));
	if (!expected) {
		assert_null(text);
		return;
	}
	assert_non_null(text);
	assert_string_equal(text, expected);
	assert_int_equal(escaped, expected_escaped);
}

static void test_lines(void **state)
{
	static const char bytes[] = "\xef\xbb\xbf"
				    "one\ntwo\r\nthree\rfour\n\n  six \xc3\xa4\xff";
	struct source_file file;
	(void)state;
	put_bytes(bytes, sizeof(bytes) - 1);
	assert_true(read_file(&file));
	assert_line(&file, 1, "one", false);
	assert_line(&file, 2, "two", false);
	assert_line(&file, 3, "three", false);
	assert_line(&file, 4, "four", false);
	assert_line(&file, 5, "", false);
	assert_line(&file, 6, "  six \xc3\xa4\\xff", true);
	assert_line(&file, 7, NULL, false);
	assert_line(&file, 0, NULL, false);
	assert_line(&file, -1, NULL, false);
	assert_line(&file, INT32_MAX, NULL, false);
	source_file_deinit(&file);
	put_bytes("", 0);
	assert_true(read_file(&file));
	assert_line(&file, 1, NULL, false);
	source_file_deinit(&file);
}

static void test_encodings(void **state)
{
	static const struct {
		const char *head;
		const char *expected;
	} cases[] = {
		{"", "\\xe4"},
		{"# -*- coding: latin-1 -*-\n", "\xc3\xa4"},
		{"#!/usr/bin/python\n# vim: set fileencoding=ISO-8859-1 :\n", "\xc3\xa4"},
		{"\n \f# coding=iso_8859_1\n", "\xc3\xa4"},
		{"import x\n# coding: latin-1\n", "\\xe4"},
		{"#\n#\n# coding: latin-1\n", "\\xe4"},
		{"# coding: utf-8-unix\n", "\\xe4"},
		{"# coding: koi8-r\n", "\\xe4"},
		{"# coding: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", "\\xe4"},
		{"# coding", "\\xe4"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct source_file file;
		char bytes[128];
		int size = snprintf(bytes, sizeof(bytes), "%s\n\xe4", cases[i].head);
		put_bytes(bytes, (size_t)size);
		assert_true(read_file(&file));
		assert_line(&file, (int32_t)file.line_count, cases[i].expected,
			    cases[i].expected[0] == '\\');
		source_file_deinit(&file);
	}
	/* What is UTF-8 by chance is none in another encoding. */
	struct source_file file;
	static const char other[] = "# coding: koi8-r\n\xc3\xa4";
	put_bytes(other, sizeof(other) - 1);
	assert_true(read_file(&file));
	assert_line(&file, 2, "\\xc3\\xa4", true);
	source_file_deinit(&file);
}

/* What is no text, too much, or no file. */
static void test_bounds(void **state)
{
	struct source_file file;
	CLEANUP_FREE char *line = malloc(SOURCE_LINE_MAX_BYTES + 100);
	CLEANUP_FREE char *text = NULL;
	bool escaped;
	(void)state;
	assert_non_null(line);
	memset(line, 'x', SOURCE_LINE_MAX_BYTES + 100);
	put_bytes(line, SOURCE_LINE_MAX_BYTES + 100);
	assert_true(read_file(&file));
	assert_null(source_file_line(&file, 1, &text, &escaped));
	assert_int_equal(strlen(text), SOURCE_LINE_MAX_BYTES);
	source_file_deinit(&file);
	put_bytes("a\0b", 3);
	assert_false(read_file(&file));
	assert_int_equal(truncate(path, SOURCE_FILE_MAX_BYTES + 1), 0);
	assert_false(read_file(&file));
	unlink(path);
	assert_false(read_file(&file));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_false(read_file(&file));
	unlink(path);
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_false(read_file(&file));
	unlink(path);
}

static void assert_text(struct model_frame frame, const char *expected)
{
	CLEANUP_FREE char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	assert_null(source_text_write(stream, &frame));
	fclose(stream);
	assert_string_equal(text, expected);
}

#define FRAME(text, begin, end)                                                                    \
	((struct model_frame){.line = 5,                                                           \
			      .end_line = 5,                                                       \
			      .has_columns = true,                                                 \
			      .column = (begin),                                                   \
			      .end_column = (end),                                                 \
			      .source = (text)})

static void test_marks(void **state)
{
	char plain[] = "\t x = f(1) + 2 ";
	char wide[] = "  \xe5\x90\x8d(\x1b, f(\xc3\xa4))";
	char blank[] = "  \t";
	(void)state;
	assert_text(FRAME(plain, 6, 10), "        x = f(1) + 2\n            ^^^^\n");
	assert_text(FRAME(plain, 2, 14), "        x = f(1) + 2\n");
	assert_text(FRAME(plain, 0, 10), "        x = f(1) + 2\n");
	assert_text(FRAME(plain, 6, 15), "        x = f(1) + 2\n");
	assert_text(FRAME(plain, 6, 6), "        x = f(1) + 2\n");
	assert_text(FRAME(plain, 9, 6), "        x = f(1) + 2\n");
	assert_text(FRAME(plain, 6, INT32_MAX), "        x = f(1) + 2\n");
	assert_text(FRAME(wide, 9, 14), "        \xe5\x90\x8d(\\x1b, f(\xc3\xa4))\n"
					"                 ^^^^\n");
	assert_text(FRAME(blank, 0, 1), "");
	struct model_frame frame = FRAME(plain, 6, 3);
	frame.end_line = 6;
	assert_text(frame, "        x = f(1) + 2\n            ^^^^^^^^\n");
	frame = FRAME(plain, 6, 10);
	frame.source_escaped = true;
	assert_text(frame, "        x = f(1) + 2\n");
	frame = FRAME(plain, 6, 10);
	frame.has_columns = false;
	assert_text(frame, "        x = f(1) + 2\n");
}

static struct model_frame *add_frame(struct model_thread *thread, const char *filename,
				     int32_t line)
{
	struct model_frame *frame;
	assert_null(model_thread_add_frame(thread, &frame));
	frame->filename = strdup(filename);
	frame->line = line;
	return frame;
}

static void test_frames(void **state)
{
	CLEANUP(model_process_deinit) struct model_process process = {0};
	CLEANUP_FREE char *note = NULL;
	CLEANUP_FREE char *newer = NULL;
	CLEANUP_FREE char *absolute = realpath(folder, NULL);
	struct model_thread *thread;
	(void)state;
	put_bytes("one\ntwo\n", 8);
	assert_null(model_process_add_thread(&process, &thread));
	add_frame(thread, path, 1);
	add_frame(thread, path, 2);
	add_frame(thread, path, 3);
	add_frame(thread, path, 0);
	add_frame(thread, "module.py", 1);
	add_frame(thread, "/module.py", 1);
	add_frame(thread, "<string>", 1);
	process.facts.start_time_ns = UINT64_MAX;
	assert_null(source_lines_add(&process, NULL, &note));
	assert_null(note);
	assert_string_equal(thread->frames[0].source, "one");
	assert_string_equal(thread->frames[1].source, "two");
	for (size_t i = 2; i < thread->frame_count; i++)
		assert_null(thread->frames[i].source);
	process.facts.start_time_ns = 1;
	assert_null(source_lines_add(&process, absolute, &newer));
	assert_string_equal(thread->frames[5].source, "one");
	assert_non_null(strstr(newer, "/module.py has changed since"));
}

static char *line_of_frame(struct frame_source *source, struct profile *profile, const char *name,
			   enum profile_frame_kind kind, int32_t line)
{
	struct profile_frame frame = {.line = line, .kind = kind};
	uint32_t number;
	char *text;
	if (name)
		assert_null(profile_text(profile, name, &frame.path));
	assert_null(profile_frame(profile, &frame, &number));
	source->profile = profile;
	assert_null(frame_source_read(source, number, &text));
	frame_source_deinit(source);
	return text;
}

/* A relative path is of the folder that the process was in, not of ours. */
static void test_frames_of_relative_paths(void **state)
{
	(void)state;
	CLEANUP(profile_deinit) struct profile profile;
	struct frame_source source = {0};
	CLEANUP_FREE char *here = getcwd(NULL, 0);
	assert_non_null(here);
	put_bytes("one\ntwo\n", 8);
	assert_null(profile_init(&profile));
	assert_int_equal(chdir(folder), 0);
	CLEANUP_FREE char *whole = line_of_frame(&source, &profile, path, PROFILE_FRAME_PYTHON, 2);
	assert_string_equal(whole, "two");
	assert_null(line_of_frame(&source, &profile, "module.py", PROFILE_FRAME_PYTHON, 2));
	assert_null(line_of_frame(&source, &profile, "./module.py", PROFILE_FRAME_PYTHON, 2));
	assert_null(line_of_frame(&source, &profile, NULL, PROFILE_FRAME_PYTHON, 2));
	assert_null(line_of_frame(&source, &profile, path, PROFILE_FRAME_PYTHON, 0));
	assert_null(line_of_frame(&source, &profile, path, PROFILE_FRAME_PYTHON, 3));
	assert_int_equal(chdir(here), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),  cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_marks),  cmocka_unit_test(test_frames),
		cmocka_unit_test(test_bounds), cmocka_unit_test(test_frames_of_relative_paths),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
