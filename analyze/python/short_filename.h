/* The part of a file name that tells it apart, for people. */
#ifndef PYSPY_ANALYZE_PYTHON_SHORT_FILENAME_H
#define PYSPY_ANALYZE_PYTHON_SHORT_FILENAME_H

/*
 * From behind the last site-packages, dist-packages or standard library folder, else the last two
 * parts; the whole name if it has no folder. Borrowed from `filename`.
 */
const char *short_filename(const char *filename);

#endif
