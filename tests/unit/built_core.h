/* Cores that were built in memory, opened. */
#ifndef PYSPY_TESTS_BUILT_CORE_H
#define PYSPY_TESTS_BUILT_CORE_H

#include "formats/elf_core.h"
#include "tests/unit/elf_builder.h"
#include "tests/unit/error_checks.h"

static inline struct error *built_core_open(const struct elf_builder *builder,
					    struct elf_core **ret)
{
	int fd = elf_builder_fd(builder);
	assert_true(fd >= 0);
	struct error *error = elf_core_open(fd, "test", ret);
	close(fd);
	return error;
}

static inline struct elf_core *built_core_must_open(const struct elf_builder *builder)
{
	struct elf_core *core = NULL;
	check(built_core_open(builder, &core));
	assert_non_null(core);
	return core;
}

#endif
