/*
 * A program that is no Python, and runs one inside: the script and its arguments are a JSON list in
 * EMBED_ARGV. Linked with libpython, or, compiled with -DEMBED_BY_DLOPEN, loads the library that
 * EMBED_LIBRARY names.
 */
#include <stdio.h>
#include <stdlib.h>

#ifdef EMBED_BY_DLOPEN
#include <dlfcn.h>
#else
#include <Python.h>
#endif

static const char prepare[] = "import json, os, sys\n"
			      "sys.argv = json.loads(os.environ['EMBED_ARGV'])\n"
			      "sys.path.insert(0, os.path.dirname(sys.argv[0]))\n"
			      "__file__ = sys.argv[0]\n"
			      "with open(__file__) as script:\n"
			      "    code = compile(script.read(), __file__, 'exec')\n";

/* Frames of C of the program's own lie below those of the interpreter. */
static int run(int depth, int (*run_string)(const char *))
{
	if (depth)
		return run(depth - 1, run_string) + 0;
	if (run_string(prepare) != 0)
		return 1;
	return run_string("exec(code)\n");
}

#ifdef EMBED_BY_DLOPEN
static int run_simple_string(const char *text)
{
	static int (*run_string_flags)(const char *, void *);
	if (!run_string_flags)
		*(void **)&run_string_flags = dlsym(RTLD_DEFAULT, "PyRun_SimpleStringFlags");
	return run_string_flags(text, NULL);
}

int main(void)
{
	const char *path = getenv("EMBED_LIBRARY");
	void *library = path ? dlopen(path, RTLD_NOW | RTLD_GLOBAL) : NULL;
	void (*initialize)(void) = NULL;
	if (library)
		*(void **)&initialize = dlsym(library, "Py_Initialize");
	if (!initialize) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	initialize();
	return run(3, run_simple_string);
}
#else
static int run_simple_string(const char *text)
{
	return PyRun_SimpleString(text);
}

int main(void)
{
	Py_Initialize();
	return run(3, run_simple_string);
}
#endif
