#include "capture/left_behind.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Of all threads of this program, because a freezer may be destroyed by another one than the owner
 * of what it left. The mutex is for the links: what is in a list is its owner's.
 */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct tracee_list *lists;
static atomic_size_t count;

/* Before a library is unloaded, or at the end of the program. */
__attribute__((destructor)) static void forget_all(void)
{
	pthread_mutex_lock(&mutex);
	while (lists) {
		struct tracee_list *list = lists;
		lists = list->next;
		tracee_list_destroy(list);
	}
	atomic_store(&count, 0);
	pthread_mutex_unlock(&mutex);
}

static void put(struct tracee_list *list)
{
	pthread_mutex_lock(&mutex);
	list->next = lists;
	lists = list;
	atomic_fetch_add(&count, 1);
	pthread_mutex_unlock(&mutex);
}

static bool owner_is_gone(const struct tracee_list *list)
{
	return syscall(SYS_tgkill, getpid(), list->owner, 0) != 0 && errno == ESRCH;
}

/* Take those out that the calling thread holds, of one process or, for 0, of all; and drop those
 * whose owner has ended, or, in a child of fork(2), is in the parent. */
static struct tracee_list *take_own(pid_t pid)
{
	struct tracee_list *own = NULL;
	pid_t self = gettid();
	if (atomic_load(&count) == 0)
		return NULL;
	pthread_mutex_lock(&mutex);
	for (struct tracee_list **link = &lists; *link;) {
		struct tracee_list *list = *link;
		bool gone = list->owner != self && owner_is_gone(list);
		if (!gone && (list->owner != self || (pid && list->pid != pid))) {
			link = &list->next;
			continue;
		}
		*link = list->next;
		atomic_fetch_sub(&count, 1);
		if (gone) {
			tracee_list_destroy(list);
			continue;
		}
		list->next = own;
		own = list;
	}
	pthread_mutex_unlock(&mutex);
	return own;
}

void left_behind_add(struct tracee_list *list)
{
	if (list->count && !owner_is_gone(list))
		put(list);
	else
		tracee_list_destroy(list);
}

bool left_behind_settle(void)
{
	bool left = false;
	for (struct tracee_list *list = take_own(0), *next; list; list = next) {
		next = list->next;
		tracee_list_prepare_to_let_go(list);
		left |= tracee_list_settle(list);
		left_behind_add(list);
	}
	return left;
}

struct error *left_behind_take(struct tracee_list *list)
{
	struct error *error = NULL;
	for (struct tracee_list *old = take_own(list->pid), *next; old; old = next) {
		next = old->next;
		if (!error)
			error = tracee_list_reserve(list, old->count);
		if (!error && old->count) {
			memcpy(&list->items[list->count], old->items,
			       old->count * sizeof(*old->items));
			list->count += old->count;
			old->count = 0;
		}
		left_behind_add(old);
	}
	return error;
}
