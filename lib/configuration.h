/* Configurations: defaults, what older programs do not have, what contradicts itself. */
#ifndef PYSPY_LIB_CONFIGURATION_H
#define PYSPY_LIB_CONFIGURATION_H

#include "common/error.h"
#include "include/pyspy.h"

/* Checked and whole: fields that the caller's version does not have are the defaults, as all are
 * for NULL. What it points to is borrowed. */
struct error *configuration_read(const struct pyspy_config *config, struct pyspy_config *ret);

/* The process that a handle is for: `pid`, or for 0 the one in the configuration. */
struct error *configuration_pid(const struct pyspy_config *config, int32_t *pid);

/* Whether what the first `size` bytes do not hold are the defaults: nothing is lost for a program
 * that knows no more. `config` is whole, and was made by pyspy_config_init(). */
bool configuration_fits(const struct pyspy_config *config, size_t size);

#endif
