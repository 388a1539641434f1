#include "analyze/python/idle.h"

#include <stddef.h>
#include <string.h>

/*
 * Functions whose innermost frame waits: what they call is in C and blocks. How to add one: the
 * function's name, and the end of its file's path, from a "/" on.
 */
static const struct {
	const char *function;
	const char *file_suffix;
} waiting_functions[] = {
	{"wait", "/threading.py"},
	{"_wait_for_tstate_lock", "/threading.py"},
	{"acquire", "/threading.py"},
	{"join", "/threading.py"},
	{"_shutdown", "/threading.py"},
	{"get", "/queue.py"},
	{"put", "/queue.py"},
	{"get", "/Queue.py"}, /* 2.7 */
	{"put", "/Queue.py"},
	{"_worker", "/concurrent/futures/thread.py"},
	{"select", "/selectors.py"},
	{"poll", "/asyncore.py"},
	{"poll2", "/asyncore.py"},
	{"wait", "/multiprocessing/connection.py"},
	{"_recv", "/multiprocessing/connection.py"},
	{"wait", "/multiprocessing/popen_fork.py"},
	{"__enter__", "/multiprocessing/synchronize.py"},
	{"poll", "/multiprocessing/popen_fork.py"},
	{"_try_wait", "/subprocess.py"},
	{"_eintr_retry_call", "/subprocess.py"}, /* 2.7 */
	{"sigwait", "/signal.py"},
	{"readinto", "/socket.py"},
	{"accept", "/socket.py"},
	{"create_connection", "/socket.py"},
	{"getaddrinfo", "/socket.py"},
	{"run", "/gevent/hub.py"},
	{"switch", "/gevent/hub.py"},
	{"switch", "/gevent/_greenlet_primitives.py"},
	{"do_poll", "/eventlet/hubs/poll.py"},
	{"get_events", "/trio/_core/_io_epoll.py"},
	{"doPoll", "/twisted/internet/epollreactor.py"},
	{"doSelect", "/twisted/internet/selectreactor.py"},
	{"poll", "/zmq/sugar/poll.py"},
	{"poll", "/tornado/platform/epoll.py"},
	{"poll", "/tornado/ioloop.py"},
};

static bool has_suffix(const char *text, const char *suffix)
{
	size_t length = strlen(text);
	size_t suffix_length = strlen(suffix);
	return length >= suffix_length && strcmp(text + length - suffix_length, suffix) == 0;
}

bool is_waiting_frame(const char *function, const char *filename)
{
	if (!function || !filename)
		return false;
	for (size_t i = 0; i < sizeof(waiting_functions) / sizeof(*waiting_functions); i++) {
		if (strcmp(function, waiting_functions[i].function) == 0 &&
		    has_suffix(filename, waiting_functions[i].file_suffix))
			return true;
	}
	return false;
}
