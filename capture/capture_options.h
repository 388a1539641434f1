/* The command line of pyspy-capture. */
#ifndef PYSPY_CAPTURE_CAPTURE_OPTIONS_H
#define PYSPY_CAPTURE_CAPTURE_OPTIONS_H

#include <sys/types.h>

#include "common/command_line.h"
#include "common/facts.h"

struct capture_options {
	struct common_options common;
	struct id_list pids;  /* at least one, unless there is a command */
	char *const *command; /* to be started and sampled, NULL-terminated; or NULL */
	bool hide_output;     /* of the command */
	bool kill;	      /* the command, when the capture has ended */
	bool subprocesses;
	const char *output; /* NULL: a name is made from the target's */
	/* A descriptor that is written to instead, and that no command gets; UINT64_MAX: none. It
	 * is how pyspy-analyze has a command print where it would without it. */
	uint64_t output_fd;
	char output_fd_name[32];
	int level_choice;
	unsigned locals; /* --locals: how often */
	enum capture_level level;
	bool nonblocking;
	bool native;
	bool gil;
	bool exhaustive;
	bool hide_progress; /* there is none: scripts may say so to all of them */
	uint64_t wait_ns;
	/* Many samples in a file: a rate, or, without `every`, a duration or a count was given. */
	bool run;
	uint64_t rate;
	const char *duration;
	uint64_t duration_ns; /* UINT64_MAX: unlimited */
	uint64_t count;	      /* UINT64_MAX: as many as there are */
	uint64_t every_ns;    /* one file for each period; UINT64_MAX: one file */
	bool output_is_pattern;
	uint64_t max_bytes;  /* of a file; UINT64_MAX: any */
	uint64_t keep;	     /* files; UINT64_MAX: all */
	uint64_t keep_bytes; /* UINT64_MAX: all */
	bool help_faults;
	const char *completions; /* a shell; NULL: not asked for */
};

/* Between two samples of a run; 0: it is not one. */
static inline uint64_t capture_period_ns(const struct capture_options *options)
{
	return options->run && options->rate ? UINT64_C(1000000000) / options->rate : 0;
}

extern const struct command_line capture_command_line;

/*
 * Parse and check. With --help, --version or --help-faults nothing more is checked. After an error
 * `ret` holds what came before it; it is always to be deinitialised.
 */
struct error *capture_options_parse(int argc, char **argv, struct capture_options *ret);
void capture_options_deinit(struct capture_options *options);

#endif
