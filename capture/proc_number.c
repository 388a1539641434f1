#include "capture/proc_number.h"

#include <stdlib.h>
#include <string.h>

static const char BLANKS[] = " \t\n";

static bool read_unsigned(const char **at, int base, uint64_t *ret)
{
	char *end;
	/* strtoull(3) takes a sign too. */
	const char *begin = *at + strspn(*at, BLANKS);
	if (*begin == '-')
		return false;
	unsigned long long value = strtoull(begin, &end, base);
	if (end == begin)
		return false;
	*at = end;
	*ret = value;
	return true;
}

bool proc_number_decimal(const char **at, uint64_t *ret)
{
	return read_unsigned(at, 10, ret);
}

bool proc_number_hexadecimal(const char **at, uint64_t *ret)
{
	return read_unsigned(at, 16, ret);
}

bool proc_number_signed(const char **at, int64_t *ret)
{
	char *end;
	long long value = strtoll(*at, &end, 10);
	if (end == *at)
		return false;
	*at = end;
	*ret = value;
	return true;
}

bool proc_number_skip(const char **at, unsigned int fields)
{
	const char *position = *at;
	while (fields--) {
		position += strspn(position, BLANKS);
		if (!*position)
			return false;
		position += strcspn(position, BLANKS);
	}
	*at = position;
	return true;
}
