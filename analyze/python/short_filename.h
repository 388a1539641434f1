/* The part of a file name that tells it apart, for people. */
#ifndef PYSPY_ANALYZE_PYTHON_SHORT_FILENAME_H
#define PYSPY_ANALYZE_PYTHON_SHORT_FILENAME_H

/*
 * From behind the last of these: site-packages, dist-packages, the standard library's folder, the
 * folder in which the top package of `module` lies (a dotted name, or NULL if unknown), if the file
 * is where a module of that name is. Else the last two parts; the whole name if it has no folder.
 * Borrowed from `filename`.
 */
const char *short_filename(const char *filename, const char *module);

#endif
