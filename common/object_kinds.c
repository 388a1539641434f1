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
	{"set", OBJECT_SET},
	{"frozenset", OBJECT_FROZENSET},
	{"collections.deque", OBJECT_DEQUE},
	{"collections.defaultdict", OBJECT_DEFAULT_DICT},
	{"collections.OrderedDict", OBJECT_ORDERED_DICT},
	{"mappingproxy", OBJECT_MAPPING_PROXY},
	{"long", OBJECT_INT},
	{"range", OBJECT_RANGE},
	{"slice", OBJECT_SLICE},
	{"function", OBJECT_FUNCTION},
	{"method", OBJECT_METHOD},
	{"builtin_function_or_method", OBJECT_BUILTIN},
	{"module", OBJECT_MODULE},
	{"code", OBJECT_CODE},
	{"generator", OBJECT_GENERATOR},
	{"coroutine", OBJECT_COROUTINE},
	{"async_generator", OBJECT_ASYNC_GENERATOR},
	{"cell", OBJECT_CELL},
	{"datetime.date", OBJECT_DATE},
	{"datetime.datetime", OBJECT_DATETIME},
	{"datetime.time", OBJECT_TIME},
	{"datetime.timedelta", OBJECT_TIMEDELTA},
	{"datetime.timezone", OBJECT_TIMEZONE},
	{"numpy.ndarray", OBJECT_NUMPY_ARRAY},
	{"numpy.generic", OBJECT_NUMPY_NUMBER},
	{"numpy.float64", OBJECT_NUMPY_NUMBER},
};

/* Bits of tp_flags (Include/object.h; 3.x, and with other meanings of two of them 2.7). */
static const struct {
	uint32_t bit;
	enum object_kind kind;
} kinds_by_flag[] = {
	{24, OBJECT_INT}, {25, OBJECT_LIST}, {26, OBJECT_TUPLE},     {27, OBJECT_BYTES},
	{28, OBJECT_STR}, {29, OBJECT_DICT}, {30, OBJECT_EXCEPTION}, {31, OBJECT_TYPE},
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
	[OBJECT_NAMEDTUPLE] = object_read_namedtuple,
	[OBJECT_LIST] = object_read_list,
	[OBJECT_SET] = object_read_set,
	[OBJECT_FROZENSET] = object_read_set,
	[OBJECT_DEQUE] = object_read_deque,
	[OBJECT_DICT] = object_read_dict,
	[OBJECT_DEFAULT_DICT] = object_read_default_dict,
	[OBJECT_ORDERED_DICT] = object_read_dict,
	[OBJECT_COUNTER] = object_read_dict,
	[OBJECT_MAPPING_PROXY] = object_read_mapping_proxy,
	[OBJECT_RANGE] = object_read_range,
	[OBJECT_SLICE] = object_read_slice,
	[OBJECT_TYPE] = object_read_type,
	[OBJECT_FUNCTION] = object_read_function_object,
	[OBJECT_METHOD] = object_read_method,
	[OBJECT_BUILTIN] = object_read_builtin,
	[OBJECT_MODULE] = object_read_module,
	[OBJECT_CODE] = object_read_code,
	[OBJECT_GENERATOR] = object_read_generator,
	[OBJECT_COROUTINE] = object_read_generator,
	[OBJECT_ASYNC_GENERATOR] = object_read_generator,
	[OBJECT_CELL] = object_read_cell,
	[OBJECT_EXCEPTION] = object_read_exception,
	[OBJECT_ENUM] = object_read_enum,
	[OBJECT_DATACLASS] = object_read_dataclass,
	[OBJECT_INSTANCE] = object_read_instance,
	[OBJECT_DATE] = object_read_date,
	[OBJECT_DATETIME] = object_read_datetime,
	[OBJECT_TIME] = object_read_time,
	[OBJECT_TIMEDELTA] = object_read_timedelta,
	[OBJECT_TIMEZONE] = object_read_timezone,
	[OBJECT_NUMPY_NUMBER] = object_read_numpy_number,
	[OBJECT_NUMPY_ARRAY] = object_read_numpy_array,
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
