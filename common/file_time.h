/* When a file was written last. */
#ifndef PYSPY_COMMON_FILE_TIME_H
#define PYSPY_COMMON_FILE_TIME_H

#include <stdint.h>
#include <sys/stat.h>

/* Since 1970; 0, which is unknown, for what is older. */
static inline uint64_t file_modified_ns(const struct stat *status)
{
	if (status->st_mtim.tv_sec < 0)
		return 0;
	return (uint64_t)status->st_mtim.tv_sec * UINT64_C(1000000000) +
	       (uint64_t)status->st_mtim.tv_nsec;
}

#endif
