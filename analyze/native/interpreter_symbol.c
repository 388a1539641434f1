#include "analyze/native/interpreter_symbol.h"

#include <stddef.h>
#include <string.h>

/* Python/ceval.c: the loop is PyEval_EvalFrameEx up to 3.5. GCC and LTO append .cold, .constprop.0
 * and the like to parts of it. Tail-calling builds have a function for each instruction
 * (Python/ceval_macros.h, 3.14), which run on the stack frame of the loop's caller. */
static const char *const evaluation[] = {
	"_PyEval_EvalFrameDefault",
	"PyEval_EvalFrameEx",
};

static const char tail_call_prefix[] = "_TAIL_CALL_";

/* Whole names of what passes calls on. */
static const char *const internal[] = {
	"PyCFunction_Call",
	"PyObject_Vectorcall",
	"PyVectorcall_Call",
	"PyVectorcall_Function",
	"call_function",
	"call_method",
	"call_trampoline",
	"cfunction_call",
	"cfunction_call_varargs",
	"cfunction_vectorcall_FASTCALL",
	"cfunction_vectorcall_FASTCALL_KEYWORDS",
	"cfunction_vectorcall_NOARGS",
	"cfunction_vectorcall_O",
	"do_call",
	"do_call_core",
	"eval_frame",
	"ext_do_call",
	"fast_function",
	"function_call",
	"function_code_fastcall",
	"gen_send_ex",
	"gen_send_ex2",
	"instancemethod_call",
	"lookup_maybe_method",
	"method_call",
	"method_vectorcall",
	"method_vectorcall_FASTCALL",
	"method_vectorcall_FASTCALL_KEYWORDS",
	"method_vectorcall_NOARGS",
	"method_vectorcall_O",
	"method_vectorcall_VARARGS",
	"method_vectorcall_VARARGS_KEYWORDS",
	"object_vacall",
	"py_trampoline_evaluator",
	"pymain_main",
	"pymain_run_command",
	"pymain_run_file",
	"pymain_run_file_obj",
	"pymain_run_module",
	"pymain_run_python",
	"pymain_run_stdin",
	"pyrun_file",
	"run_eval_code_obj",
	"run_mod",
	"run_unlocked",
	"slot_tp_call",
	"slot_tp_init",
	"slot_tp_new",
	"trampoline_call",
	"type_call",
	"tuple_call",
	"vectorcall_maybe",
	"vectorcall_method",
	"vectorcall_unbound",
	"wrap_call",
	"wrapper_call",
	"wrapperdescr_call",
};

static const char *const internal_prefixes[] = {
	"PyEval_",
	"_PyEval_",
	"_PyFunction_",
	"PyFunction_",
	"_PyMethodDef_Raw",
	"PyObject_Call",
	"_PyObject_Call",
	"_PyObject_FastCall",
	"_PyObject_MakeTpCall",
	"_PyObject_Vectorcall",
	"_PyVectorcall_",
	"_PyCFunction_",
	"_PyMethodDescr_",
	"PyRun_",
	"_PyRun_",
	"Py_RunMain",
	"Py_BytesMain",
	"Py_Main",
	"_PyCode_CODE",
	"_PyStack_",
};

/* How many characters of a symbol are its name: without what a compiler appended. */
static size_t name_length(const char *symbol)
{
	return strcspn(symbol, ".@");
}

static bool is_one_of(const char *const *names, size_t count, const char *symbol, size_t length)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(names[i]) == length && memcmp(names[i], symbol, length) == 0)
			return true;
	}
	return false;
}

bool symbol_is_tail_call(const char *symbol)
{
	return strncmp(symbol, tail_call_prefix, sizeof(tail_call_prefix) - 1) == 0;
}

/* Python/perf_trampoline.c: py::NAME:FILE. */
bool symbol_is_trampoline(const char *symbol)
{
	return strncmp(symbol, "py::", 4) == 0;
}

bool symbol_is_evaluation(const char *symbol)
{
	return symbol_is_tail_call(symbol) ||
	       is_one_of(evaluation, sizeof(evaluation) / sizeof(*evaluation), symbol,
			 name_length(symbol));
}

bool symbol_is_internal(const char *symbol)
{
	if (is_one_of(internal, sizeof(internal) / sizeof(*internal), symbol, name_length(symbol)))
		return true;
	for (size_t i = 0; i < sizeof(internal_prefixes) / sizeof(*internal_prefixes); i++) {
		if (strncmp(symbol, internal_prefixes[i], strlen(internal_prefixes[i])) == 0)
			return true;
	}
	return false;
}
