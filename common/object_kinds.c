/* Which types are of which kind, and what reads it. The checklist of how to add one is in
 * object_walk.h. */
#include <string.h>

#include "common/object_walk.h"

/* By tp_name: exact types, and what subclasses of them come from. */
static const struct {
	const char *name;
	enum object_kind kind;
} kinds_by_name[] = {
	{"NoneType", OBJECT_NONE},
	{"ellipsis", OBJECT_ELLIPSIS},
	{"NotImplementedType", OBJECT_NOT_IMPLEMENTED},
	{"bool", OBJECT_BOOL},
	{"int", OBJECT_INT},
	{"float", OBJECT_FLOAT},
	{"complex", OBJECT_COMPLEX},
	{"bytearray", OBJECT_BYTEARRAY},
};

/* Bits of tp_flags (Include/object.h; 3.x, and with other meanings of two of them 2.7). */
static const struct {
	uint32_t bit;
	enum object_kind kind;
} kinds_by_flag[] = {
	{24, OBJECT_INT},   {25, OBJECT_LIST}, {26, OBJECT_TUPLE},
	{27, OBJECT_BYTES}, {28, OBJECT_STR},  {29, OBJECT_DICT},
};

static object_read_function *const readers[] = {
	[OBJECT_BOOL] = object_read_bool,
	[OBJECT_INT] = object_read_int,
	[OBJECT_FLOAT] = object_read_float,
	[OBJECT_COMPLEX] = object_read_complex,
	[OBJECT_STR] = object_read_str,
	[OBJECT_BYTES] = object_read_bytes,
	[OBJECT_BYTEARRAY] = object_read_bytearray,
	[OBJECT_TUPLE] = object_read_tuple,
	[OBJECT_LIST] = object_read_list,
	[OBJECT_DICT] = object_read_dict,
};

enum object_kind object_kind_of_name(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds_by_name) / sizeof(*kinds_by_name); i++)
		if (strcmp(kinds_by_name[i].name, name) == 0)
			return kinds_by_name[i].kind;
	return OBJECT_INSTANCE;
}

enum object_kind object_kind_of_flags(uint64_t flags)
{
	for (size_t i = 0; i < sizeof(kinds_by_flag) / sizeof(*kinds_by_flag); i++)
		if (flags >> kinds_by_flag[i].bit & 1)
			return kinds_by_flag[i].kind;
	return OBJECT_INSTANCE;
}

object_read_function *object_kind_reader(enum object_kind kind)
{
	return kind < sizeof(readers) / sizeof(*readers) ? readers[kind] : NULL;
}
