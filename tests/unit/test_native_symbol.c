/* Names of native functions as people read them, and lines of generated code. */
#include <stdlib.h>
#include <string.h>

#include "analyze/native/cython.h"
#include "analyze/native/native_symbol.h"
#include "tests/unit/cmocka_headers.h"

static void assert_demangled(const char *symbol, const char *name)
{
	char *demangled = native_demangle(symbol);
	assert_string_equal(demangled, name);
	free(demangled);
}

static void demangles(void **state)
{
	(void)state;
	assert_demangled("main", "main");
	assert_demangled("", "");
	assert_demangled("_ZN10pyspy_test6Worker4workEPFvvEi", "pyspy_test::Worker::work");
	assert_demangled("_ZN10pyspy_test6Worker4workEPFvvEi@@VERSION_1",
			 "pyspy_test::Worker::work");
	assert_demangled("_Znot_mangled", "_Znot_mangled");
	/* Rust, old and new. */
	assert_demangled("_ZN4core3ops8function6FnOnce9call_once17h0123456789abcdefE",
			 "core::ops::function::FnOnce::call_once");
	assert_demangled("_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar");
	assert_demangled("__libc_start_main@@GLIBC_2.34", "__libc_start_main");
	/* Not taken for one of the old schemes of C++ compilers. */
	assert_demangled("name__1FooFi", "name__1FooFi");
}

static void does_not_demangle_what_is_too_long(void **state)
{
	enum { SIZE = 1 << 17 };
	char *symbol = malloc(SIZE + 1);
	(void)state;
	memset(symbol, 'P', SIZE);
	memcpy(symbol, "_Z1f", 4);
	symbol[SIZE] = 0;
	assert_demangled(symbol, symbol);
	free(symbol);
}

static void assert_cython(const char *symbol, const char *name)
{
	char *found = cython_name(symbol);
	if (name)
		assert_string_equal(found, name);
	else
		assert_null(found);
	free(found);
}

static void names_cython_functions(void **state)
{
	(void)state;
	assert_cython("__pyx_pw_3mod_1f", "mod.f");
	assert_cython("__pyx_pf_3mod_f", "mod.f");
	assert_cython("__pyx_pf_3mod_2g", "mod.g");
	assert_cython("__pyx_f_3mod_6Worker_inner", "mod.Worker.inner");
	assert_cython("__pyx_pw_3pkg_3mod_6Worker_1work", "pkg.mod.Worker.work");
	assert_cython("__pyx_pw_3mod_6Worker_1__init__", "mod.Worker.__init__");
	assert_cython("__pyx_gb_5cymod_4generator", "cymod.generator");
	assert_cython("__pyx_pw_3mod_1f.isra.0", "mod.f");
	assert_cython("__pyx_f_3mod_f.constprop.0.cold", "mod.f");
	assert_cython("__pyx_fuse_0__pyx_f_3mod_f", "mod.f");
	assert_cython("__pyx_fuse_1_2__pyx_pw_3mod_5f", "mod.f");
	/* A counter that could be the length of a scope. */
	assert_cython("__pyx_pw_3mod_3foo_bar", "mod.foo_bar");
	assert_cython("__pyx_pw_5cymod_6__pyx_unpickle_Worker", "cymod.__pyx_unpickle_Worker");
}

static void leaves_other_names(void **state)
{
	(void)state;
	assert_cython("main", NULL);
	assert_cython("", NULL);
	assert_cython("__pyx_pw_", NULL);
	assert_cython("__pyx_pw_3mod_", NULL);
	assert_cython("__pyx_pw_3mod", NULL);
	assert_cython("__pyx_pw_99999999999999999999mod_1f", NULL);
	assert_cython("__pyx_f_9mod_f", NULL);
	assert_cython("__pyx_pymod_exec_mod", NULL);
	assert_true(cython_is_wrapper("__pyx_pw_3mod_1f"));
	assert_false(cython_is_wrapper("__pyx_pf_3mod_f"));
	assert_true(cython_is_function("__pyx_gb_3mod_2f"));
	assert_false(cython_is_function("__Pyx_PyObject_Call"));
}

static void assert_place(const char *text, int32_t line, const char *file, int32_t place)
{
	const char *found;
	size_t size;
	int32_t number;
	bool is_there = cython_place(text, strlen(text), line, &found, &size, &number);
	assert_int_equal(is_there, place != 0);
	if (!place)
		return;
	assert_int_equal(size, strlen(file));
	assert_memory_equal(found, file, size);
	assert_int_equal(number, place);
}

static void finds_places_in_generated_code(void **state)
{
	static const char text[] = "int f(void) {\n"		    /* 1 */
				   "  /* \"pkg/mod.pyx\":7\n"	    /* 2 */
				   " *     return 1   # <<<<<<\n"   /* 3 */
				   " */\n"			    /* 4 */
				   "  r = 1;\n"			    /* 5 */
				   "  /* \"mod.pxd\":12345\n"	    /* 6 */
				   " */\n"			    /* 7 */
				   "  return r;\n"		    /* 8 */
				   "}\n"			    /* 9 */
				   "int g(void) { return 1; }\n"    /* 10 */
				   "  /* \"mod.pyx\":x\n"	    /* 11 */
				   "  /* \"mod.pyx\":99999999999\n" /* 12 */
				   "  /* \"\":1\n"		    /* 13 */
				   "  /* \"mod.pyx";		    /* 14 */
	(void)state;
	assert_place(text, 1, NULL, 0);
	assert_place(text, 5, "pkg/mod.pyx", 7);
	assert_place(text, 8, "mod.pxd", 12345);
	assert_place(text, 10, NULL, 0);
	assert_place(text, 14, NULL, 0);
	assert_place(text, 5000, NULL, 0);
	assert_place("", 1, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(demangles),
		cmocka_unit_test(does_not_demangle_what_is_too_long),
		cmocka_unit_test(names_cython_functions),
		cmocka_unit_test(leaves_other_names),
		cmocka_unit_test(finds_places_in_generated_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
