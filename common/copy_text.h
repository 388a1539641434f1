/* A copy of a text, for structures that own their strings. */
#ifndef PYSPY_COMMON_COPY_TEXT_H
#define PYSPY_COMMON_COPY_TEXT_H

#include "common/error.h"

/* `ret` stays as it is if `text` is NULL. */
struct error *copy_text(const char *text, char **ret);

#endif
