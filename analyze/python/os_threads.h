/*
 * What the operating system says of the threads of a target, matched to the interpreter's: ids,
 * names, whether they run or wait and for what; and which of them the interpreter does not know.
 */
#ifndef PYSPY_ANALYZE_PYTHON_OS_THREADS_H
#define PYSPY_ANALYZE_PYTHON_OS_THREADS_H

#include "common/facts.h"
#include "common/model.h"
#include "common/modules.h"
#include "common/walk.h"

/* What is known of a target besides what its interpreter says; all borrowed. */
struct os_threads_source {
	const struct thread_list *list;
	const struct modules *modules;
	struct memory *memory; /* of code, for registers to be understood */
	int32_t machine;       /* enum machine */
	const struct python_layout *layout;
};

struct os_threads {
	struct os_threads_source source;
	struct thread_id_index by_id;
	bool *known;  /* by index in the list: it has a thread state */
	int32_t *ids; /* of the threads in the list, when by_id was made */
	size_t id_count;
	bool misses_some;   /* a thread state has a thread that is not in the list */
	bool own_wait_word; /* its C library's threads wait on words on their own stacks (musl) */
};

struct error *os_threads_init(struct os_threads *ret, const struct os_threads_source *source);
void os_threads_deinit(struct os_threads *threads);
/* The same target later: nothing is described yet. */
struct error *os_threads_renew(struct os_threads *threads, const struct os_threads_source *source);

/* Fill in what is known of the thread of a thread state; its interpreter and GIL are set before.
 * `ret_number`, if it is not NULL, is its place in the list, or the length of that. */
struct error *os_threads_describe(struct os_threads *threads, const struct walk_thread *walked,
				  struct model_thread *ret, size_t *ret_number);

/* The thread's frames are complete: what the innermost one tells is used where nothing else did. */
void os_threads_infer(struct model_thread *thread);

/* After the walk: the threads that no interpreter knows. */
struct error *os_threads_add_others(const struct os_threads *threads,
				    struct model_process *process);

#endif
