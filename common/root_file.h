/* Files of the target's system, at its own paths or below a folder that stands for its root. */
#ifndef PYSPY_COMMON_ROOT_FILE_H
#define PYSPY_COMMON_ROOT_FILE_H

/*
 * Open for reading; `root` NULL is this system's own. Regular files only: the path comes from the
 * target, and opening a device can do harm. Below a root, links that are absolute or lead upwards
 * stay there. -1 and errno if there is none.
 */
int root_file_open(const char *root, const char *path);

#endif
