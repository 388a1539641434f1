/*
 * What Python programs call their threads: the names of the Thread objects in threading._active, by
 * thread id (Lib/threading.py). Nothing is decoded, and what cannot be read is left out: a name is
 * no part of a stack.
 */
#ifndef PYSPY_COMMON_THREAD_NAMES_H
#define PYSPY_COMMON_THREAD_NAMES_H

#include "common/code_object.h"
#include "common/python_dict.h"

enum { THREAD_NAMES_MAX = 1 << 16 };

struct thread_name {
	int64_t interpreter_id;
	uint64_t interpreter; /* address of the interpreter state */
	uint64_t thread_id;   /* pthread_t */
	uint64_t object;      /* the Thread */
	uint64_t type;	      /* its type */
	/* _native_id (3.8), 0 where there is none. Stale after a fork in some versions: it tells
	 * apart threads that had one thread_id after another, no more. Not kept. */
	uint64_t os_id;
	struct raw_string name;
};

/* An all-zero struct is an empty list. */
struct thread_name_list {
	struct thread_name *items; /* sorted by thread id, then interpreter id */
	size_t count;
	size_t capacity;
};

void thread_name_list_deinit(struct thread_name_list *list);

/* The name of a thread; of another interpreter's objects if its own has none: a thread that runs
 * code of several interpreters is one and the same. NULL if there is none. */
const struct thread_name *thread_name_find(const struct thread_name_list *list,
					   int64_t interpreter_id, uint64_t thread_id);

/* The same thread, object and characters. */
bool thread_name_equal(const struct thread_name *a, const struct thread_name *b);

struct thread_names_request {
	struct python_reader reader;
	uint64_t runtime_address;
	/* NULL, or the only names that are given and kept. */
	const struct thread_name_list *known;
};

/* The names of all interpreters' threads. Only running out of memory is an error. */
struct error *thread_names_read(const struct thread_names_request *request,
				struct thread_name_list *ret);

#endif
