/*
 * Errors are objects: NULL is success, anything else is owned by the caller, who hands it on,
 * prints it (only main does) or destroys it. Out-parameters are named `ret`, come last and are
 * untouched on failure.
 */
#ifndef PYSPY_COMMON_ERROR_H
#define PYSPY_COMMON_ERROR_H

#include <stdbool.h>
#include <stdint.h>

enum error_code {
	ERROR_FAILED = 1,    /* anything without a code of its own */
	ERROR_OUT_OF_MEMORY, /* singleton, see error_out_of_memory */
	ERROR_NOT_FOUND,     /* singleton or with a message: the thing asked for is not there */
	ERROR_END,	     /* singleton: an iteration has ended */
	ERROR_USAGE,	     /* the command line or an argument is wrong */
	ERROR_PERMISSION,    /* the kernel refused: ptrace, /proc, files */
	ERROR_NO_PROCESS,    /* no such process, or it went away */
	ERROR_NOT_PYTHON,    /* no Python interpreter was recognised */
	ERROR_UNSUPPORTED,   /* recognised, but not something this build can handle */
	ERROR_FORMAT,	     /* bytes of a file or a target contradict their format */
	ERROR_TRUNCATED,     /* a file ends before its format says so */
	ERROR_MEMORY_GAP,    /* target memory could not be read; has an address */
	ERROR_IO,	     /* a system call on a file failed; has an errno */
	ERROR_BUSY,	     /* bounded attempts are spent; trying again may help */
	ERROR_EXISTS,	     /* an output file is there already */
};

struct error {
	enum error_code code;
	int errnum;	     /* errno of the failed call, or 0 */
	bool has_address;    /* whether `address` means something */
	uint64_t address;    /* address in the target that the error is about */
	bool is_static;	     /* singletons are not freed */
	const char *message; /* one line, no newline, names the thing, the reason, the way out */
};

/* Singletons, never allocated, safe to destroy. */
extern struct error error_out_of_memory;
extern struct error error_not_found;
extern struct error error_end;

/* Make an error with a formatted message. Gives &error_out_of_memory if that fails. */
struct error *error_create(enum error_code code, const char *format, ...)
	__attribute__((format(printf, 2, 3), warn_unused_result, returns_nonnull));

/* The same, with the errno of a failed call; ": strerror(errnum)" is appended to the message. */
struct error *error_errno(enum error_code code, int errnum, const char *format, ...)
	__attribute__((format(printf, 3, 4), warn_unused_result, returns_nonnull));

/* The same, about an address in the target; " at 0x…" is appended to the message. */
struct error *error_at(enum error_code code, uint64_t address, const char *format, ...)
	__attribute__((format(printf, 3, 4), warn_unused_result, returns_nonnull));

/* Put "prefix: " before the message of `error`, which is consumed. NULL stays NULL. */
struct error *error_prefix(struct error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3), warn_unused_result));

/* Free an error. NULL and singletons are fine. */
void error_destroy(struct error *error);

/* For __attribute__((cleanup(error_destroyp))). */
void error_destroyp(struct error **error);

#endif
