#include "analyze/python/short_filename.h"

#include <ctype.h>
#include <string.h>

/* Behind "python3.12/" if `part` begins such a folder of a standard library, else NULL. */
static const char *behind_library_folder(const char *part)
{
	static const char prefix[] = "python";
	if (strncmp(part, prefix, sizeof(prefix) - 1) != 0)
		return NULL;
	const char *end = part + sizeof(prefix) - 1;
	if (!isdigit((unsigned char)*end))
		return NULL;
	/* "3.12", "3.13t", "3.9d" */
	while (isalnum((unsigned char)*end) || *end == '.')
		end++;
	return *end == '/' ? end + 1 : NULL;
}

static const char *behind_packages_folder(const char *part)
{
	static const char *const folders[] = {"site-packages/", "dist-packages/"};
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		if (strncmp(part, folders[i], strlen(folders[i])) == 0)
			return part + strlen(folders[i]);
	}
	return NULL;
}

const char *short_filename(const char *filename)
{
	const char *library = NULL;
	const char *packages = NULL;
	const char *last = NULL;
	const char *last_but_one = NULL;
	for (const char *slash = strchr(filename, '/'); slash; slash = strchr(slash + 1, '/')) {
		const char *behind = behind_packages_folder(slash + 1);
		if (behind)
			packages = behind;
		behind = behind_library_folder(slash + 1);
		/* Only lib/pythonX.Y is a library; bin/python3.12/… is not. */
		if (behind && slash - filename >= 3 && strncmp(slash - 3, "lib", 3) == 0)
			library = behind;
		last_but_one = last;
		last = slash + 1;
	}
	if (packages)
		return packages;
	if (library)
		return library;
	if (last_but_one)
		return last_but_one;
	return last && last - filename > 1 ? filename : last ? last : filename;
}
