/*
 * Control-Z, and the like that comes to all programs of a terminal's job, would stop this one until
 * somebody lets it go on, and what it holds with it. They wait until nothing is held. SIGSTOP
 * cannot be made to wait.
 */
#ifndef PYSPY_CAPTURE_STOP_KEYS_H
#define PYSPY_CAPTURE_STOP_KEYS_H

#include <signal.h>
#include <stdbool.h>

struct stop_keys {
	bool held;
	sigset_t before; /* the mask of the calling thread */
};

/* Nothing if they are held already. */
void stop_keys_hold(struct stop_keys *keys);
/* By the thread that held them. */
void stop_keys_release(struct stop_keys *keys);

#endif
