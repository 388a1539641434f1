/*
 * Where one log ends, damaged, and another one begins behind it: files that were put together
 * (`pyspy-analyze merge`, cat(1)). The search that follows damage meets the first frame of the
 * other log; but captured memory can hold snapshots too, whose frames lie whole within a damaged
 * one.
 */
#ifndef PYSPY_FORMATS_SNAPSHOT_SEAM_H
#define PYSPY_FORMATS_SNAPSHOT_SEAM_H

#include "formats/snapshot_scan.h"

/*
 * Whether `frame`, a whole one of another log that was found behind damage in `log`, is where that
 * other log begins. Looking ahead loses the scan's content, and is part of the search's budget. In
 * a stream, where one cannot look ahead, it never is.
 */
struct error *snapshot_seam_is(struct snapshot_scan *scan, const struct scan_frame *frame,
			       const struct scan_log *log, bool *ret);

#endif
