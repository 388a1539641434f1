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
	{"musl of 2020 and before, both (the same file: no field left out, a second canary)", 56},
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

/* What the process itself calls the thread. */
static int32_t own_id(const struct thread_facts *thread)
{
	return thread->container_tid ? thread->container_tid : thread->tid;
}

struct error *thread_id_index_init(struct thread_id_index *ret, const struct thread_list *threads)
{
	/* Not an address, but a number from 1 on: 0 is none. */
	struct thread_id_index index = {.threads = threads};
	for (size_t i = 0; i < threads->count; i++) {
		int32_t id = own_id(&threads->items[i]);
		if (id <= 0)
			continue;
		struct error *error =
			address_map_put(&index.by_id, (uint64_t)id, (void *)(uintptr_t)(i + 1));
		if (error) {
			thread_id_index_deinit(&index);
			return error;
		}
	}
	*ret = index;
	return NULL;
}

void thread_id_index_deinit(struct thread_id_index *index)
{
	address_map_deinit(&index->by_id);
}

const struct thread_facts *thread_id_find(const struct thread_id_index *index,
					  const struct thread_id_candidates *candidates)
{
	for (size_t i = 0; i < THREAD_ID_CANDIDATES; i++) {
		uintptr_t number =
			(uintptr_t)address_map_get(&index->by_id, (uint64_t)candidates->ids[i]);
		if (candidates->ids[i] > 0 && number)
			return &index->threads->items[number - 1];
	}
	return NULL;
}

const struct thread_facts *thread_id_match(const struct thread_id_candidates *candidates,
					   const struct thread_list *threads)
{
	for (size_t i = 0; i < THREAD_ID_CANDIDATES; i++) {
		for (size_t j = 0; candidates->ids[i] > 0 && j < threads->count; j++) {
			if (own_id(&threads->items[j]) == candidates->ids[i])
				return &threads->items[j];
		}
	}
	return NULL;
}
