/* What ended a process, in words. */
#ifndef PYSPY_FORMATS_SIGNAL_TEXT_H
#define PYSPY_FORMATS_SIGNAL_TEXT_H

#include "common/facts.h"

/* "SIGSEGV"; NULL for a number without a name (real-time signals). */
const char *signal_name(int32_t signal);

/* What si_code says of the signal (sigaction(2)); NULL if nothing is known. */
const char *signal_reason(int32_t signal, int32_t code);

/*
 * "signal 11 (SIGSEGV: address not mapped, si_code 1) at address 0x10". `ret` is owned by the
 * caller. The process must have a signal.
 */
struct error *signal_text(const struct process_facts *facts, char **ret);

#endif
