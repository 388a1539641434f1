/* cmocka wants these before its own header (cmocka.h, "mandatory headers"). */
#ifndef PYSPY_TESTS_CMOCKA_HEADERS_H
#define PYSPY_TESTS_CMOCKA_HEADERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
