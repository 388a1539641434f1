/* Numbers as `top` shows them. */
#ifndef PYSPY_ANALYZE_TOP_TOP_TEXT_H
#define PYSPY_ANALYZE_TOP_TOP_TEXT_H

#include <stdint.h>

enum { TOP_NUMBER_SIZE = 24 };

/* `part` of `whole`, "12.34%"; 100 % and more get fewer digits before they get wider than 7. */
const char *top_percent(uint64_t part, uint64_t whole, char text[TOP_NUMBER_SIZE]);

/* "0.123s", "12.34s", "123.4s", "1234s", "12.3d": the longer, the coarser, and never wider than 7.
 */
const char *top_time(uint64_t time_ns, char text[TOP_NUMBER_SIZE]);

/* "1m05s": a place in a replay, or how long it is. */
const char *top_position(uint64_t time_ns, char text[TOP_NUMBER_SIZE]);

#endif
