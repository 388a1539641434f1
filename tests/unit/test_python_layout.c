/* The generated rows: which there are, how they are found, and what must hold in each of them. */
#include "common/python_layout.h"
#include "tests/unit/cmocka_headers.h"

static const struct python_layout *find(unsigned minor, unsigned micro, bool debug,
					bool free_threaded)
{
	struct python_version version = {
		.major = 3, .minor = (uint8_t)minor, .micro = (uint8_t)micro, .level = 0xf};
	return python_layout_find(version, debug, free_threaded);
}

static void test_every_version_has_a_row(void **state)
{
	(void)state;
	for (unsigned minor = 3; minor <= 15; minor++) {
		for (unsigned micro = 0; micro <= 255; micro++) {
			const struct python_layout *row = find(minor, micro, false, false);
			assert_non_null(row);
			assert_int_equal(row->minor, minor);
			assert_false(row->free_threaded);
			assert_non_null(find(minor, micro, true, false));
			row = find(minor, micro, false, true);
			assert_int_equal(row != NULL, minor >= 13);
			assert_true(!row || row->free_threaded);
		}
	}
}

/* The collector's heads in the runtime became longer in 3.7.4 (bpo-27987). */
static void test_a_micro_version_has_its_own_row(void **state)
{
	(void)state;
	assert_int_equal(find(7, 3, false, false)->runtime.tstate_current, 1392);
	assert_int_equal(find(7, 4, false, false)->runtime.tstate_current, 1480);
	assert_ptr_equal(find(7, 4, false, false), find(7, 17, false, false));
}

static void test_python_2_has_a_row(void **state)
{
	struct python_version version = {.major = 2, .minor = 7, .micro = 18};
	(void)state;
	const struct python_layout *row = python_layout_find(version, false, false);
	assert_non_null(row);
	assert_int_equal(row->major, 2);
	/* Objects of debug builds are linked with each other. */
	assert_int_equal(python_layout_find(version, true, false)->object.type,
			 row->object.type + 16);
	version.micro = 0;
	assert_ptr_equal(python_layout_find(version, false, false), row);
}

/* What gdb said of 3.3.6, 3.4.3 and 3.5.0 (scripts/layout-facts). */
static void test_versions_without_headers(void **state)
{
	static const struct {
		unsigned minor;
		layout_offset thread_id, frame, interp, position, localsplus, lnotab, qualname;
	} expected[] = {
		{3, 144, 16, 8, 120, 376, 120, 800},
		{4, 152, 24, 16, 120, 376, 120, 808},
		{5, 152, 24, 16, 120, 376, 120, 848},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		const struct python_layout *row = find(expected[i].minor, 0, false, false);
		assert_int_equal(row->thread.thread_id, expected[i].thread_id);
		assert_int_equal(row->thread.frame, expected[i].frame);
		assert_int_equal(row->thread.interp, expected[i].interp);
		assert_int_equal(row->frame.position, expected[i].position);
		assert_int_equal(row->frame.localsplus, expected[i].localsplus);
		assert_int_equal(row->code.line_table, expected[i].lnotab);
		assert_int_equal(row->type.qualname, expected[i].qualname);
		assert_int_equal(row->dict_keys.entries, 32);
		assert_int_equal(row->dict_keys.size, 8);
	}
}

static void test_unknown_versions_have_none(void **state)
{
	struct python_version version = {.major = 2, .minor = 2, .micro = 3};
	(void)state;
	assert_null(find(2, 0, false, false));
	assert_null(find(16, 0, false, false));
	assert_null(python_layout_find(version, false, false));
}

/* No two rows answer for the same interpreter. */
static void test_rows_are_disjoint(void **state)
{
	(void)state;
	for (size_t i = 0; i < python_layout_row_count; i++) {
		const struct python_layout *a = &python_layout_rows[i];
		assert_true(a->micro_first <= a->micro_last);
		for (size_t j = 0; j < i; j++) {
			const struct python_layout *b = &python_layout_rows[j];
			bool same = a->major == b->major && a->minor == b->minor &&
				    a->debug_build == b->debug_build &&
				    a->free_threaded == b->free_threaded;
			assert_false(same && a->micro_first <= b->micro_last &&
				     b->micro_first <= a->micro_last);
		}
	}
}

static void assert_present(layout_offset offset, bool expected)
{
	assert_int_equal(offset != LAYOUT_ABSENT, expected);
}

/* Versions before 3.7, which have no _PyRuntime. */
static bool is_old(const struct python_layout *row)
{
	return row->major < 3 || row->minor < 7;
}

static void check_old(const struct python_layout *row)
{
	bool is_python_2 = row->major == 2;
	bool has_open_keys = !is_python_2 && row->minor <= 5;
	assert_int_equal(row->runtime.interpreters_head, 0);
	assert_present(row->runtime.tstate_current, false);
	assert_present(row->interpreter.id, false);
	assert_present(row->thread.prev, !is_python_2 && row->minor >= 4);
	assert_int_equal(row->name_kind, is_python_2 ? NAME_KIND_BYTES : NAME_KIND_UNICODE);
	assert_int_equal(row->line_table_kind, is_python_2 || has_open_keys
						       ? LINE_TABLE_LNOTAB_UNSIGNED
						       : LINE_TABLE_LNOTAB);
	assert_int_equal(row->position_kind, POSITION_LASTI_BYTES);
	assert_int_equal(row->frame_kind, FRAME_KIND_OBJECT);
	assert_present(row->frame.trace, true);
	assert_present(row->dict.table, is_python_2);
	assert_present(row->dict.mask, is_python_2);
	assert_present(row->dict.keys, !is_python_2);
	assert_present(row->dict_keys.entries, has_open_keys);
	assert_present(row->dict_keys.entry_count, !is_python_2 && !has_open_keys);
	assert_present(row->integer.plain, is_python_2);
	assert_present(row->classic.instance_dict, is_python_2);
	assert_present(row->unicode.state, !is_python_2);
	assert_present(row->type.dict_offset, true);
	assert_present(row->module.dict, true);
	assert_int_equal(row->integer.digit_bits, 30);
	assert_int_equal(row->bytes.length, row->object.size);
	assert_int_equal(row->unicode.length, row->object.size);
}

/* Which fields a version has, as CPython's history says. */
static void check_presence(const struct python_layout *row)
{
	unsigned minor = row->minor;
	bool frame_objects = minor <= 10;
	assert_present(row->runtime.tstate_current, minor <= 11);
	assert_present(row->runtime.tstate_current_wide, minor <= 11);
	assert_present(row->runtime.gil, minor <= 11);
	assert_present(row->interpreter.gil, minor >= 12);
	assert_present(row->runtime.gc_collecting, minor <= 8);
	assert_present(row->interpreter.gc_collecting, minor >= 9);
	/* pthread_cond_t has 48 bytes with every C library. */
	assert_int_equal(row->gil.cond, row->gil.switch_number + 8);
	assert_int_equal(row->gil.mutex, row->gil.cond + 48);
	assert_present(row->interpreter.code_object_generation, minor >= 14);
	assert_present(row->thread.frame, minor <= 10 || minor >= 13);
	assert_present(row->thread.cframe, minor == 11 || minor == 12);
	assert_present(row->cframe.current_frame, minor == 11 || minor == 12);
	assert_present(row->thread.native_thread_id, minor >= 11);
	assert_present(row->thread.active.offset, minor >= 12);
	assert_present(row->thread.holds_gil.offset, minor >= 13);
	assert_present(row->thread.base_frame, minor >= 15);
	assert_present(row->frame.owner, !frame_objects);
	assert_present(row->frame.is_entry, minor == 11);
	assert_present(row->frame.lineno, frame_objects);
	assert_present(row->frame.trace, minor <= 9);
	assert_present(row->code.varnames, frame_objects);
	assert_present(row->code.code, frame_objects);
	assert_present(row->code.qualname, !frame_objects);
	assert_present(row->code.instructions, !frame_objects);
	assert_present(row->code.tlbc, row->free_threaded && minor >= 14);
	assert_present(row->frame.tlbc_index, row->free_threaded && minor >= 14);
	assert_int_equal(row->frame_kind == FRAME_KIND_OBJECT, frame_objects);
	assert_int_equal(row->frame.owner_thread, frame_objects ? 255 : 0);
	assert_int_equal(row->frame.owner_cstack, minor < 12 || minor > 14 ? 255
						  : minor == 14		   ? 4
									   : 3);
	assert_int_equal(row->frame.owner_interpreter, minor >= 14 ? 3 : 255);
	assert_int_equal(row->frame.reference_tag_mask != 0, minor >= 14);
}

/* What the names of threads are read by. */
static void check_dicts(const struct python_layout *row)
{
	unsigned minor = row->minor;
	bool typed_keys = minor >= 11;
	assert_present(row->interpreter.modules, true);
	assert_present(row->module.dict, true);
	assert_present(row->type.dict_offset, true);
	assert_present(row->type.cached_keys, typed_keys);
	assert_present(row->dict_keys.size, !typed_keys);
	assert_present(row->dict_keys.log2_index_bytes, typed_keys);
	assert_present(row->dict_keys.kind, typed_keys);
	assert_present(row->dict_values.capacity, minor >= 13);
	assert_present(row->dict_values.valid, minor >= 13);
	assert_int_equal(row->dict.values, row->dict.keys + 8);
	assert_true(row->dict_keys.entry_count < row->dict_keys.indices);
	assert_int_equal(row->dict_values.items, minor >= 13 ? 8 : 0);
	/* pycore_object.h: MANAGED_DICT_OFFSET and its predecessors; free-threaded objects have no
	 * collector's head in front. */
	assert_int_equal(row->instance.managed_dict_before, !typed_keys		 ? 0
							    : row->free_threaded ? 8
										 : 24);
	assert_int_equal(row->instance.managed_values_before, minor == 11 ? 32 : 0);
	assert_int_equal(row->instance.managed_values_tag, minor == 12);
	assert_int_equal(row->instance.managed_dict_flag, typed_keys ? 1 << 4 : 0);
	assert_int_equal(row->instance.inline_values_flag, minor >= 13 ? 1 << 2 : 0);
	assert_int_equal(row->integer.length, row->object.size);
	assert_int_equal(row->integer.length_shift, minor >= 12 ? 3 : 0);
	assert_int_equal(row->integer.digit_bits, 30);
}

static void check_values(const struct python_layout *row)
{
	assert_true(row->object.type + 8 <= row->object.size);
	assert_int_equal(row->tuple.length, row->object.size);
	assert_int_equal(row->bytes.length, row->object.size);
	assert_int_equal(row->unicode.length, row->object.size);
	assert_true(row->unicode.state < row->unicode.ascii_data);
	assert_true(row->unicode.ascii_data < row->unicode.compact_data);
	assert_int_equal(row->unicode.kind_mask, 7);
	assert_true(row->unicode.compact_mask && row->unicode.ascii_mask);
	assert_int_equal(row->unicode.ascii_mask, row->unicode.compact_mask << 1);
	assert_int_equal(row->runtime.interpreters_main, row->runtime.interpreters_head + 8);
	assert_true(row->frame.localsplus >= row->frame.position + 4);
	assert_true(row->thread.thread_id < row->thread.size);
	assert_true(row->code.name < row->code.size);
	/* Two mutexes lie before it, each 8 bytes longer. */
	if (row->runtime.tstate_current != LAYOUT_ABSENT)
		assert_int_equal(row->runtime.tstate_current_wide,
				 row->runtime.tstate_current + 16);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < python_layout_row_count; i++) {
		if (is_old(&python_layout_rows[i])) {
			check_old(&python_layout_rows[i]);
			continue;
		}
		assert_int_equal(python_layout_rows[i].name_kind, NAME_KIND_UNICODE);
		check_presence(&python_layout_rows[i]);
		check_dicts(&python_layout_rows[i]);
		check_values(&python_layout_rows[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_version_has_a_row),
		cmocka_unit_test(test_a_micro_version_has_its_own_row),
		cmocka_unit_test(test_python_2_has_a_row),
		cmocka_unit_test(test_versions_without_headers),
		cmocka_unit_test(test_unknown_versions_have_none),
		cmocka_unit_test(test_rows_are_disjoint),
		cmocka_unit_test(test_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
