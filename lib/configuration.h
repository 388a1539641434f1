/* Configurations: defaults, what older programs do not have, what contradicts itself. */
#ifndef PYSPY_LIB_CONFIGURATION_H
#define PYSPY_LIB_CONFIGURATION_H

#include "common/error.h"
#include "include/pyspy.h"

/* Checked and whole: fields that the caller's version does not have are the defaults, as all are
 * for NULL. What it points to is borrowed. */
struct error *configuration_read(const struct pyspy_config *config, struct pyspy_config *ret);

#endif
