/* Colors of frames in graphs: by what they are and what they are called, the same in each report.
 */
#ifndef PYSPY_FORMATS_REPORT_COLORS_H
#define PYSPY_FORMATS_REPORT_COLORS_H

#include "common/profile.h"

enum { REPORT_COLOR_SIZE = 32 };

/* As CSS has them. PROFILE_NONE is the root of all. Dark text can be read on each. */
void report_color(const struct profile *profile, uint32_t frame, char ret[REPORT_COLOR_SIZE]);

/* For shares in per cent: red for more, blue for less, the stronger the more. */
void report_diff_color(double before, double after, char ret[REPORT_COLOR_SIZE]);

#endif
