#include "capture/stop_keys.h"

void stop_keys_hold(struct stop_keys *keys)
{
	sigset_t set;
	if (keys->held)
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGTTIN);
	sigaddset(&set, SIGTTOU);
	keys->held = pthread_sigmask(SIG_BLOCK, &set, &keys->before) == 0;
}

void stop_keys_release(struct stop_keys *keys)
{
	if (keys->held)
		pthread_sigmask(SIG_SETMASK, &keys->before, NULL);
	keys->held = false;
}
