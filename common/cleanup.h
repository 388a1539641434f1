/* Scope guards: a variable marked with one of these is released when its scope ends. */
#ifndef PYSPY_COMMON_CLEANUP_H
#define PYSPY_COMMON_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

static inline void cleanup_freep(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define CLEANUP_FREE   CLEANUP(cleanup_freep)
#define CLEANUP_CLOSE  CLEANUP(cleanup_closep)
#define CLEANUP_FCLOSE CLEANUP(cleanup_fclosep)

/* Hand a guarded pointer on: gives its value and leaves NULL behind. */
#define TAKE_POINTER(pointer)                                                                      \
	({                                                                                         \
		__typeof__(pointer) *taken_pointer_ = &(pointer);                                  \
		__typeof__(pointer) taken_value_ = *taken_pointer_;                                \
		*taken_pointer_ = NULL;                                                            \
		taken_value_;                                                                      \
	})

/* Hand a guarded file descriptor on: gives its value and leaves -1 behind. */
static inline int take_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

#endif
