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

/* The part of the path before the one that begins at `part`; NULL if that is the first. */
static const char *part_before(const char *filename, const char *part)
{
	if (part == filename)
		return NULL;
	part--;
	while (part > filename && part[-1] != '/')
		part--;
	return part;
}

/* The begin of the dotted name's part that ends at `end`. */
static const char *name_part(const char *module, const char *end)
{
	while (end > module && end[-1] != '.')
		end--;
	return end;
}

/*
 * Behind the folder that the module is imported from: as many parts of the path as its name has
 * must be the same, "__init__" of a package not counted. NULL if they are not.
 */
static const char *behind_root_folder(const char *filename, const char *module)
{
	const char *slash = strrchr(filename, '/');
	const char *part = slash ? slash + 1 : filename;
	size_t length = strcspn(part, ".");
	const char *end = module + strlen(module);
	if (length == strlen("__init__") && strncmp(part, "__init__", length) == 0) {
		part = part_before(filename, part);
		length = part ? strcspn(part, "/") : 0;
	}
	while (part) {
		const char *begin = name_part(module, end);
		if (begin == end || (size_t)(end - begin) != length ||
		    strncmp(begin, part, length) != 0)
			return NULL;
		if (begin == module)
			return part;
		end = begin - 1;
		part = part_before(filename, part);
		length = part ? strcspn(part, "/") : 0;
	}
	return NULL;
}

/* Behind the last folder of packages, of whatever module; NULL if there is none. `ret_last_two` is
 * where the last two parts begin. */
static const char *behind_known_folder(const char *filename, const char **ret_last_two)
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
	*ret_last_two =
		last_but_one ? last_but_one : (last && last - filename == 1 ? last : filename);
	return packages ? packages : library;
}

const char *short_filename(const char *filename, const char *module)
{
	const char *last_two;
	const char *known = behind_known_folder(filename, &last_two);
	const char *root = module ? behind_root_folder(filename, module) : NULL;
	if (root && (!known || root > known))
		return root;
	return known ? known : last_two;
}
