#include "common/thread_id.h"

/*
 * Offset of `tid` in the C libraries' struct pthread. How to add one: find it with
 * `ptype /o struct pthread` in gdb with the library's debug information, or for glibc read
 * _thread_db_pthread_tid (nptl_db/structs.def), whose third word is the offset.
 */
static const struct {
	const char *library;
	uint32_t offset;
} pthread_tid_offsets[THREAD_ID_CANDIDATES] = {
	{"glibc, x86_64 (nptl/descr.h: the TCB header takes 704 bytes)", 720},
	{"glibc, aarch64 (nptl/descr.h: TLS_DTV_AT_TP, no TCB header inside)", 208},
	{"musl, x86_64 (src/internal/pthread_impl.h)", 48},
	{"musl, aarch64 (src/internal/pthread_impl.h: TLS_ABOVE_TP)", 32},
};

void thread_id_read(struct memory *memory, uint64_t native, uint64_t pthread,
		    struct thread_id_candidates *ret)
{
	struct thread_id_candidates candidates = {0};
	if (native && native <= INT32_MAX) {
		candidates.ids[0] = (int32_t)native;
	} else if (pthread) {
		for (size_t i = 0; i < THREAD_ID_CANDIDATES; i++) {
			uint32_t id;
			if (memory_read_u32(memory, pthread + pthread_tid_offsets[i].offset, &id) ==
				    MEMORY_OK &&
			    id <= INT32_MAX)
				candidates.ids[i] = (int32_t)id;
		}
	}
	*ret = candidates;
}

const struct thread_facts *thread_id_match(const struct thread_id_candidates *candidates,
					   const struct thread_list *threads)
{
	for (size_t i = 0; i < THREAD_ID_CANDIDATES; i++) {
		for (size_t j = 0; candidates->ids[i] && j < threads->count; j++) {
			const struct thread_facts *thread = &threads->items[j];
			int32_t id = thread->container_tid ? thread->container_tid : thread->tid;
			if (id == candidates->ids[i])
				return thread;
		}
	}
	return NULL;
}
