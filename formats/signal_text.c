#include "formats/signal_text.h"

#include <stdio.h>
#include <stdlib.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Numbers of Linux on x86_64 and aarch64 (signal(7)), not those of the machine that this runs on.
 */
enum {
	LINUX_SIGILL = 4,
	LINUX_SIGTRAP = 5,
	LINUX_SIGBUS = 7,
	LINUX_SIGFPE = 8,
	LINUX_SIGSEGV = 11,
	LINUX_SIGSYS = 31,
};

/* Codes for any signal: include/uapi/asm-generic/siginfo.h. */
enum { ANY_SIGNAL = 0 };

const char *signal_name(int32_t signal)
{
	static const char *const names[] = {
		NULL,	    "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",  "SIGTRAP",   "SIGABRT",
		"SIGBUS",   "SIGFPE",  "SIGKILL",   "SIGUSR1", "SIGSEGV", "SIGUSR2",   "SIGPIPE",
		"SIGALRM",  "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP",   "SIGTSTP",
		"SIGTTIN",  "SIGTTOU", "SIGURG",    "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF",
		"SIGWINCH", "SIGIO",   "SIGPWR",    "SIGSYS",
	};
	return signal > 0 && (size_t)signal < LENGTH(names) ? names[signal] : NULL;
}

const char *signal_reason(int32_t signal, int32_t code)
{
	static const struct {
		int32_t signal;
		int32_t code;
		const char *reason;
	} reasons[] = {
		{ANY_SIGNAL, 0, "sent by kill"},
		{ANY_SIGNAL, 0x80, "sent by the kernel"},
		{ANY_SIGNAL, -1, "sent by sigqueue"},
		{ANY_SIGNAL, -2, "a timer expired"},
		{ANY_SIGNAL, -3, "a message queue has changed"},
		{ANY_SIGNAL, -4, "asynchronous I/O is done"},
		{ANY_SIGNAL, -5, "I/O is possible"},
		{ANY_SIGNAL, -6, "sent by tkill, as raise and abort do"},
		{LINUX_SIGSEGV, 1, "address not mapped"},
		{LINUX_SIGSEGV, 2, "no permission for the address"},
		{LINUX_SIGSEGV, 3, "bounds check failed"},
		{LINUX_SIGSEGV, 4, "refused by a protection key"},
		{LINUX_SIGSEGV, 8, "memory tag mismatch, seen later"},
		{LINUX_SIGSEGV, 9, "memory tag mismatch"},
		{LINUX_SIGBUS, 1, "misaligned address"},
		{LINUX_SIGBUS, 2, "nothing behind the address, as after a truncated file"},
		{LINUX_SIGBUS, 3, "hardware error"},
		{LINUX_SIGBUS, 4, "memory error, action required"},
		{LINUX_SIGBUS, 5, "memory error, action optional"},
		{LINUX_SIGILL, 1, "illegal opcode"},
		{LINUX_SIGILL, 2, "illegal operand"},
		{LINUX_SIGILL, 3, "illegal addressing mode"},
		{LINUX_SIGILL, 4, "illegal trap"},
		{LINUX_SIGILL, 5, "privileged opcode"},
		{LINUX_SIGILL, 6, "privileged register"},
		{LINUX_SIGILL, 7, "coprocessor error"},
		{LINUX_SIGILL, 8, "internal stack error"},
		{LINUX_SIGFPE, 1, "integer divided by zero"},
		{LINUX_SIGFPE, 2, "integer overflow"},
		{LINUX_SIGFPE, 3, "floating-point number divided by zero"},
		{LINUX_SIGFPE, 4, "floating-point overflow"},
		{LINUX_SIGFPE, 5, "floating-point underflow"},
		{LINUX_SIGFPE, 6, "inexact floating-point result"},
		{LINUX_SIGFPE, 7, "invalid floating-point operation"},
		{LINUX_SIGFPE, 8, "subscript out of range"},
		{LINUX_SIGTRAP, 1, "breakpoint"},
		{LINUX_SIGTRAP, 2, "single step"},
		{LINUX_SIGSYS, 1, "system call refused by seccomp"},
	};
	for (size_t i = 0; i < LENGTH(reasons); i++) {
		bool same_signal = reasons[i].signal == ANY_SIGNAL || reasons[i].signal == signal;
		if (same_signal && reasons[i].code == code)
			return reasons[i].reason;
	}
	return NULL;
}

/* Codes up to 0 are signals that a process sent (sigaction(2)); others may have an address. */
static void write_origin(FILE *stream, const struct process_facts *facts)
{
	if (facts->signal_code > 0) {
		if (facts->has_fault_address)
			fprintf(stream, " at address 0x%llx",
				(unsigned long long)facts->fault_address);
		return;
	}
	if (!facts->sender_pid)
		return;
	if (facts->sender_pid == facts->pid || facts->sender_pid == facts->container_pid)
		fputs(" from the process itself", stream);
	else
		fprintf(stream, " from process %d", facts->sender_pid);
}

struct error *signal_text(const struct process_facts *facts, char **ret)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	if (!stream)
		return &error_out_of_memory;
	const char *name = signal_name(facts->signal);
	const char *reason = signal_reason(facts->signal, facts->signal_code);
	fprintf(stream, "signal %d (%s%s%s%ssi_code %d)", facts->signal, name ? name : "",
		name && reason ? ": " : "", reason ? reason : "", name || reason ? ", " : "",
		facts->signal_code);
	write_origin(stream, facts);
	if (fclose(stream) != 0) {
		free(text);
		return &error_out_of_memory;
	}
	*ret = text;
	return NULL;
}
