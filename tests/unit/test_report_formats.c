/* The formats of reports: what they hold, and that nothing of a target gets out of its place. */
#include "tests/unit/cmocka_headers.h"

#include <cjson/cJSON.h>
#include <zlib.h>

#include "common/cursor.h"
#include "formats/markup_text.h"
#include "tests/unit/profile_model.h"

static const struct collect_options idle = {.idle = true, .thread_roots = true};

static char *make(const char *format)
{
	size_t size;
	return report_of(format, &idle, PROFILE_SAMPLES, &size);
}

static const cJSON *get(const cJSON *object, const char *key)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
	if (!value)
		fail_msg("there is no %s", key);
	return value;
}

/* "frame;frame weight" of each sample of a profile. */
static void assert_sampled(const cJSON *root, int index, const char *name, const char *expected)
{
	char text[2048] = "";
	const cJSON *profile = cJSON_GetArrayItem(get(root, "profiles"), index);
	const cJSON *frames = get(get(root, "shared"), "frames");
	assert_string_equal(get(profile, "name")->valuestring, name);
	assert_string_equal(get(profile, "type")->valuestring, "sampled");
	assert_string_equal(get(profile, "unit")->valuestring, "nanoseconds");
	double sum = 0;
	for (int i = 0; i < cJSON_GetArraySize(get(profile, "samples")); i++) {
		const cJSON *stack = cJSON_GetArrayItem(get(profile, "samples"), i);
		double weight = cJSON_GetArrayItem(get(profile, "weights"), i)->valuedouble;
		const cJSON *frame;
		sum += weight;
		cJSON_ArrayForEach(frame, stack)
		{
			const cJSON *item = cJSON_GetArrayItem(frames, frame->valueint);
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s;",
				 get(item, "name")->valuestring);
		}
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %.0f\n", weight);
	}
	assert_string_equal(text, expected);
	assert_true(get(profile, "endValue")->valuedouble == sum);
}

/* In the order of time; what does not change is one. */
static void test_speedscope(void **state)
{
	(void)state;
	CLEANUP_FREE char *text = make("speedscope");
	cJSON *root = cJSON_Parse(text);
	assert_non_null(root);
	assert_string_equal(get(root, "$schema")->valuestring,
			    "https://www.speedscope.app/file-format-schema.json");
#define MAIN "thread (11): Main\"</script>;main;"
	assert_sampled(root, 0, "thread 11: Main\"</script>",
		       MAIN "work;leaf; 20000000\n" MAIN "work;work; 20000000\n" MAIN
			    "work; 13333333\n");
	assert_sampled(root, 1, "thread 12",
		       "thread (12);run;wait; 20000000\nthread (12);run;a;<b>; 20000000\n"
		       "thread (12);run;wait; 13333333\n");
	assert_null(strstr(text, "</script>"));
	cJSON_Delete(root);
}

/* Beginnings and ends make a tree; what two stacks share is not ended between them. */
static void test_chrometrace(void **state)
{
	(void)state;
	CLEANUP_FREE char *text = make("chrometrace");
	cJSON *root = cJSON_Parse(text);
	assert_non_null(root);
	const cJSON *event;
	const char *open[16] = {0};
	size_t depth = 0;
	size_t begun = 0;
	double last = 0;
	cJSON_ArrayForEach(event, get(root, "traceEvents"))
	{
		char phase = *get(event, "ph")->valuestring;
		const char *name = get(event, "name")->valuestring;
		assert_int_equal(get(event, "pid")->valueint, 10);
		if (phase == 'M') {
			assert_int_equal(depth, 0);
			last = 0;
			continue;
		}
		assert_true(get(event, "ts")->valuedouble >= last);
		last = get(event, "ts")->valuedouble;
		if (phase == 'B') {
			open[depth++] = name;
			begun++;
		} else {
			assert_true(phase == 'E' && depth);
			assert_string_equal(open[--depth], name);
		}
	}
	assert_int_equal(depth, 0);
	/* thread, main, work, leaf; work (another line), work; and thread, run, wait, a, wait. */
	assert_int_equal(begun, 6 + 5);
	assert_true(last > 53332 && last < 53334);
	cJSON_Delete(root);
}

static void test_ndjson(void **state)
{
	(void)state;
	CLEANUP_FREE char *text = make("ndjson");
	size_t stacks = 0;
	double samples = 0;
	char *rest = text;
	for (char *line = strsep(&rest, "\n"); line && *line; line = strsep(&rest, "\n")) {
		cJSON *item = cJSON_Parse(line);
		assert_non_null(item);
		if (strcmp(get(item, "type")->valuestring, "stack") == 0) {
			stacks++;
			samples += get(item, "samples")->valuedouble;
			assert_true(cJSON_GetArraySize(get(item, "frames")) >= 3);
		}
		cJSON_Delete(item);
	}
	assert_int_equal(stacks, 5);
	assert_true(samples == 8);
}

static void test_flamegraph(void **state)
{
	(void)state;
	CLEANUP_FREE char *text = make("flamegraph");
	assert_non_null(strstr(text, "<title>thread (11): Main&quot;&lt;/script&gt; "));
	assert_non_null(strstr(text, "python3 &lt;app&gt;.py</text>"));
	assert_non_null(strstr(text, "missing: a.zst: cut"));
	assert_non_null(strstr(text, "data-s=\"0\" data-w=\"8\" data-d=\"0\"><title>all"));
	assert_non_null(strstr(text, "x=\"50.0000%\" y=\"18\" width=\"50.0000%\" height=\"17\" "
				     "data-s=\"4\" data-w=\"4\" data-d=\"1\"><title>thread (12)"));
	assert_non_null(strstr(text, "<title>a:&lt;b&gt; (pkg/app.py:8) \xe2\x80\x94 1 sample, "
				     "12.50%</title>"));
	/* One that is ours. */
	const char *end = strstr(text, "</script>");
	assert_non_null(end);
	assert_null(strstr(end + 1, "</script>"));
}

/* The data is JSON, and ends the only element that it is in by nothing but its end. */
static void test_html(void **state)
{
	(void)state;
	static const char begin[] = "<script type=\"application/json\" id=\"data\">";
	CLEANUP_FREE char *text = make("html");
	char *data = strstr(text, begin);
	assert_non_null(data);
	data += strlen(begin);
	char *end = strstr(data, "</script>");
	assert_non_null(end);
	assert_non_null(strstr(end, "<script>"));
	assert_non_null(strstr(text, "<title>python3 &lt;app&gt;.py</title>"));
	assert_non_null(strstr(text, "<li>missing: a.zst: cut</li>"));
	*end = '\0';
	cJSON *root = cJSON_Parse(data);
	assert_non_null(root);
	const cJSON *threads = get(root, "threads");
	assert_int_equal(cJSON_GetArraySize(threads), 2);
	double samples = 0;
	const cJSON *node;
	cJSON_ArrayForEach(node, get(root, "nodes"))
	{
		assert_int_equal(cJSON_GetArraySize(node), 2 + PROFILE_UNITS);
		samples += cJSON_GetArrayItem(node, 2)->valuedouble;
	}
	assert_true(samples == 8);
	const cJSON *thread;
	cJSON_ArrayForEach(thread, threads)
	{
		int steps = 0;
		const cJSON *part;
		cJSON_ArrayForEach(part, get(thread, "steps")) steps +=
			cJSON_GetArrayItem(part, 1)->valueint;
		assert_int_equal(steps, get(root, "steps")->valueint);
	}
	/* It waits, runs, and waits. */
	assert_int_equal(cJSON_GetArraySize(get(cJSON_GetArrayItem(threads, 1), "steps")), 3);
	cJSON_Delete(root);
}

/* Unpacked by zlib, which checks the sum too. */
static void unpack_gzip(const char *packed, size_t size, uint8_t *bytes, size_t *ret_size)
{
	z_stream inflater = {
		.next_in = (unsigned char *)(uintptr_t)packed,
		.avail_in = (unsigned)size,
		.next_out = bytes,
		.avail_out = (unsigned)*ret_size,
	};
	assert_int_equal(inflateInit2(&inflater, 15 + 16), Z_OK);
	assert_int_equal(inflate(&inflater, Z_FINISH), Z_STREAM_END);
	*ret_size = inflater.total_out;
	inflateEnd(&inflater);
}

/* Each comment is a string of the table: what is missing of the input. */
static void test_pprof(void **state)
{
	(void)state;
	enum { STRING = 6, COMMENT = 13, STRINGS_MAX = 100 };
	static uint8_t bytes[16384];
	struct cursor strings[STRINGS_MAX];
	size_t size;
	size_t count = 0;
	size_t comments = 0;
	CLEANUP_FREE char *text = report_of("pprof", &idle, PROFILE_WALL, &size);
	size_t unpacked = sizeof(bytes);
	unpack_gzip(text, size, bytes, &unpacked);
	struct cursor cursor = cursor_make(bytes, unpacked);
	while (cursor_left(&cursor)) {
		uint64_t key = cursor_varint(&cursor);
		uint64_t value = cursor_varint(&cursor);
		if ((key & 7) == 2) {
			struct cursor field = cursor_slice(&cursor, value);
			assert_true(count < STRINGS_MAX);
			if (key >> 3 == STRING)
				strings[count++] = field;
		} else if (key >> 3 == COMMENT) {
			static const char expected[] = "missing: a.zst: cut";
			assert_int_equal(value, count - 1);
			assert_int_equal(cursor_left(&strings[value]), strlen(expected));
			assert_memory_equal(strings[value].data, expected, strlen(expected));
			comments++;
		}
	}
	assert_true(cursor_ok(&cursor));
	assert_int_equal(comments, 1);
}

static void assert_written(struct error *(*write)(FILE *stream, const char *text), const char *text,
			   const char *expected)
{
	char *written = NULL;
	size_t size;
	FILE *stream = open_memstream(&written, &size);
	assert_null(write(stream, text));
	fclose(stream);
	assert_string_equal(written, expected);
	free(written);
}

static void test_escapes(void **state)
{
	(void)state;
	assert_written(markup_text_write, "a<b>&\"'\n\x01\xff",
		       "a&lt;b&gt;&amp;&quot;&#39;\\n\\x01\\xff");
	assert_written(markup_text_write, "]]>\xef\xbf\xbe\xef\xbf\xbf\xc3\xa9",
		       "]]&gt;\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9");
	assert_written(script_string_write, "</script>\"\\\n&\xe2\x80\xa8",
		       "\"\\u003c/script\\u003e\\\"\\\\\\\\n\\u0026\\\\u2028\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_speedscope), cmocka_unit_test(test_chrometrace),
		cmocka_unit_test(test_ndjson),	   cmocka_unit_test(test_flamegraph),
		cmocka_unit_test(test_pprof),	   cmocka_unit_test(test_html),
		cmocka_unit_test(test_escapes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
