#include "capture/command_session.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "capture/interrupt.h"
#include "capture/output_pattern.h"
#include "capture/proc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/output_file.h"

enum {
	POLL_NS = 2 * 1000 * 1000,
	POLL_MAX_NS = 50 * 1000 * 1000,
};

/* Programs take some time to end in order. */
#define KILL_AFTER_NS UINT64_C(5000000000)
#define NS_PER_SECOND UINT64_C(1000000000)

void command_session_deinit(struct command_session *session)
{
	spawned_command_destroy(session->command);
	command_output_destroy(session->output);
	*session = (struct command_session){0};
}

/*
 * Whether the file can be made: an attempt, of which nothing is left. A FIFO or a device is not
 * tried: what reads it would see it end.
 */
static struct error *try_output(const struct capture_options *options, pid_t pid)
{
	CLEANUP(output_file_destroyp) struct output_file *file = NULL;
	CLEANUP_FREE char *name = NULL;
	struct stat status;
	if (options->output && !options->output_is_pattern)
		name = strdup(options->output);
	else
		name = output_pattern_expand(options->output ? options->output
							     : "./pyspy-%{pid}-%s.%{ms}",
					     clock_ns(CLOCK_REALTIME), pid);
	if (!name)
		return &error_out_of_memory;
	if (strcmp(name, "-") == 0 ||
	    (stat(name, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)))
		return NULL;
	return output_file_create(name, &file);
}

static struct error *start(struct command_session *session, struct capture_options *options,
			   int *ret_status)
{
	struct error *error = NULL;
	int output_fd = -1;
	if (options->hide_output)
		error = command_output_create(&session->output);
	if (!error && session->output)
		output_fd = command_output_fd(session->output);
	if (!error)
		error = spawned_command_create(options->command, output_fd, &session->command);
	if (error)
		return error;
	pid_t pid = spawned_command_pid(session->command);
	error = try_output(options, pid);
	if (!error)
		error = id_list_append(&options->pids, pid);
	if (!error)
		error = spawned_command_exec(session->command, ret_status);
	if (!error && session->output)
		command_output_started(session->output);
	return error;
}

struct error *command_session_begin(struct command_session *session,
				    struct capture_options *options, int *ret_status)
{
	*ret_status = SPAWN_STATUS_FAILED;
	struct error *error = start(session, options, ret_status);
	if (error)
		command_session_deinit(session);
	return error;
}

static void pause_ns(long ns)
{
	nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

/* True when it has ended; false when the time is over, or with `signals` at one that says so. */
static bool wait_until(struct command_session *session, uint64_t deadline_ns, bool signals)
{
	long step_ns = POLL_NS;
	while (!spawned_command_poll(session->command)) {
		if (clock_ns(CLOCK_MONOTONIC) >= deadline_ns)
			return false;
		if (signals && interrupt_signal()) {
			bool key = interrupt_from_terminal();
			interrupt_accept();
			if (!key)
				return false;
		}
		pause_ns(step_ns);
		step_ns = step_ns * 2 < POLL_MAX_NS ? step_ns * 2 : POLL_MAX_NS;
	}
	return true;
}

bool command_session_has_ended(struct command_session *session)
{
	CLEANUP(process_facts_deinit) struct process_facts facts = {0};
	if (spawned_command_poll(session->command))
		return true;
	struct error *error = proc_process(spawned_command_pid(session->command), &facts);
	bool ending = error && error->code == ERROR_NO_PROCESS;
	error_destroy(error);
	return ending && wait_until(session, UINT64_MAX, true);
}

void command_session_wait(struct command_session *session)
{
	wait_until(session, UINT64_MAX, true);
}

void command_session_kill(struct command_session *session)
{
	spawned_command_kill(session->command, SIGTERM);
	if (wait_until(session, clock_ns(CLOCK_MONOTONIC) + KILL_AFTER_NS, false))
		return;
	spawned_command_kill(session->command, SIGKILL);
	wait_until(session, UINT64_MAX, false);
}
