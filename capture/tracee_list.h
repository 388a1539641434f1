/*
 * The threads of one process that one thread of this program has seized (tracee.h). Only that one
 * can let them go (ptrace(2)).
 */
#ifndef PYSPY_CAPTURE_TRACEE_LIST_H
#define PYSPY_CAPTURE_TRACEE_LIST_H

#include "capture/tracee.h"
#include "common/error.h"

struct tracee_list {
	pid_t pid;   /* the process's; its main thread has the same */
	pid_t owner; /* the thread of this program that holds what is in the list */
	struct tracee *items;
	size_t count;
	size_t capacity;
	size_t found;		  /* where a search for one begins */
	struct tracee_list *next; /* left_behind.h */
};

struct error *tracee_list_create(pid_t pid, struct tracee_list **ret);
/* What is in it stays as it is. */
void tracee_list_destroy(struct tracee_list *list);

/* Among the first `count`; NULL if it is not there. */
struct tracee *tracee_list_find(struct tracee_list *list, size_t count, pid_t tid);

/* Room for so many more. */
struct error *tracee_list_reserve(struct tracee_list *list, size_t extra);

void tracee_list_forget_gone(struct tracee_list *list);

/* A seized thread that calls exec(2) takes the id of the main thread, and stays seized under it. If
 * one of ours vanished, ask whether the main thread is one that we do not know as ours. */
void tracee_list_adopt_after_exec(struct tracee_list *list);

/* None is part of a freeze any more, and all are asked to stop: no other can be let go. */
void tracee_list_prepare_to_let_go(struct tracee_list *list);

/* Look at those that have neither stopped nor ended, and let go of what has stopped; what is part
 * of a freeze is left out. Gives whether any are still not let go. */
bool tracee_list_settle(struct tracee_list *list);

#endif
