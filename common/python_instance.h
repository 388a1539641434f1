/* Attributes of Python instances, and the ints that they can be. */
#ifndef PYSPY_COMMON_PYTHON_INSTANCE_H
#define PYSPY_COMMON_PYTHON_INSTANCE_H

#include "common/python_dict.h"

/* Where an instance's attributes are: its dict, or the values that it has in place of one. False if
 * it has none that can be read. `ret_type` is the address of its type. */
bool instance_attributes(const struct python_reader *reader, uint64_t object, uint64_t *ret_type,
			 struct raw_dict *ret) __attribute__((warn_unused_result));

/* The value of an int object; false if it is negative, has more than 64 bits, or is none. */
bool python_integer_read(const struct python_reader *reader, uint64_t address, uint64_t *ret)
	__attribute__((warn_unused_result));

#endif
