#include "capture/ended_call.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
enum { RESULT = 10, CALL = 15 }; /* rax and orig_rax: struct user_regs_struct, sys/user.h */

bool ended_call(const void *registers, size_t size)
{
	int64_t words[CALL + 1];
	if (size < sizeof(words))
		return false;
	memcpy(words, registers, sizeof(words));
	/* What is begun again has another, internal, number by then (ERESTARTSYS and the like). */
	return words[CALL] >= 0 && words[RESULT] == -EINTR;
}
#else
bool ended_call(const void *registers, size_t size)
{
	(void)registers;
	(void)size;
	return false;
}
#endif
