/*
 * The operating system's id of a thread state's thread. From 3.11 on the thread state holds it
 * (native_thread_id); before, it is inside the C library's thread descriptor that pthread_t points
 * to, at an offset that depends on the C library and the machine. All offsets that it can be at are
 * read, so that a snapshot holds them; which is right is told by the ids that the process has.
 */
#ifndef PYSPY_COMMON_THREAD_ID_H
#define PYSPY_COMMON_THREAD_ID_H

#include "common/address_map.h"
#include "common/facts.h"
#include "common/memory.h"
#include "common/python_layout.h"

enum { THREAD_ID_CANDIDATES = 5 };

/* As the target itself calls the thread (its innermost pid namespace). */
struct thread_id_candidates {
	int32_t ids[THREAD_ID_CANDIDATES]; /* 0: none */
};

/* `native` is the thread state's own field, 0 if the version has none; `pthread` is pthread_t. */
void thread_id_read(struct memory *memory, uint64_t native, uint64_t pthread,
		    struct thread_id_candidates *ret);

/* The threads of a process by the id that it calls them by itself. */
struct thread_id_index {
	struct address_map by_id; /* values are threads of the list, whose items may move */
	const struct thread_list *threads; /* borrowed */
};

struct error *thread_id_index_init(struct thread_id_index *index,
				   const struct thread_list *threads);
void thread_id_index_deinit(struct thread_id_index *index);

/* The thread that one of the candidates names, or NULL. */
const struct thread_facts *thread_id_find(const struct thread_id_index *index,
					  const struct thread_id_candidates *candidates);

/* The same without an index, for a single question. */
const struct thread_facts *thread_id_match(const struct thread_id_candidates *candidates,
					   const struct thread_list *threads);

#endif
