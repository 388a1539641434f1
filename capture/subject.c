#include "capture/subject.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/live_memory.h"
#include "capture/proc.h"
#include "capture/utc_time.h"
#include "common/cleanup.h"
#include "common/path_name.h"

enum { TIME_TEXT_SIZE = 64 };

static void open_image(struct subject *subject)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)subject->facts.pid);
	subject->image_fd = open(path, O_RDONLY | O_CLOEXEC);
}

static struct error *look(pid_t pid, struct subject *subject)
{
	int32_t machine;
	struct error *error = proc_process(pid, &subject->facts);
	if (!error)
		error = proc_check_machine(pid, &machine);
	if (!error)
		error = live_memory_create(pid, &subject->memory);
	if (error)
		return error;
	open_image(subject);
	error = proc_mappings(pid, &subject->mappings);
	if (!error)
		error = modules_from_mappings(&subject->mappings, subject->memory,
					      &subject->modules);
	return error;
}

struct error *subject_look(pid_t pid, struct subject **ret)
{
	CLEANUP(subject_releasep) struct subject *subject = calloc(1, sizeof(*subject));
	if (!subject)
		return &error_out_of_memory;
	subject->references = 1;
	subject->image_fd = -1;
	struct error *error = look(pid, subject);
	if (error)
		return error;
	*ret = TAKE_POINTER(subject);
	return NULL;
}

struct subject *subject_hold(struct subject *subject)
{
	atomic_fetch_add(&subject->references, 1);
	return subject;
}

void subject_release(struct subject *subject)
{
	if (!subject || atomic_fetch_sub(&subject->references, 1) != 1)
		return;
	process_facts_deinit(&subject->facts);
	mappings_deinit(&subject->mappings);
	modules_deinit(&subject->modules);
	memory_destroy(subject->memory);
	python_location_deinit(&subject->location);
	if (subject->image_fd >= 0)
		close(subject->image_fd);
	free(subject);
}

void subject_releasep(struct subject **subject)
{
	subject_release(*subject);
}

struct error *subject_locate(struct subject *subject, bool exhaustive)
{
	struct proc_module_files files;
	proc_module_files_init(&files, subject->facts.pid);
	const struct locate_options options = {
		.machine = subject->facts.machine,
		.memory = subject->memory,
		.modules = &subject->modules,
		.mappings = &subject->mappings,
		.files = &files.files,
		.exhaustive = exhaustive,
	};
	struct error *error = locate_python(&options, &subject->location);
	subject->located = !error;
	return error;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static bool is_python_name(const char *path)
{
	return path && (strstr(base_name(path), "python") || strstr(base_name(path), "pypy"));
}

/* libpython, a program called python3.15, an extension module "….cpython-315-x86_64-linux-gnu.so".
 */
const char *subject_python_hint(const struct subject *subject)
{
	if (is_python_name(subject->facts.executable))
		return subject->facts.executable;
	for (size_t i = 0; i < subject->modules.count; i++)
		if (is_python_name(subject->modules.items[i].path))
			return subject->modules.items[i].path;
	return NULL;
}

static const struct mapping *find_by_path(const struct mappings *mappings, const char *path)
{
	for (size_t i = mappings->count; i-- > 0;)
		if (strcmp(mappings->items[i].path, path) == 0)
			return &mappings->items[i];
	return NULL;
}

/* The kernel places the program, its stack and the vdso at random at each execve(2), and never
 * moves them after. */
static bool is_same_image(const struct mappings *before, const struct mappings *now)
{
	static const char *const fixed[] = {"[stack]", "[vdso]"};
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		const struct mapping *a = find_by_path(before, fixed[i]);
		const struct mapping *b = find_by_path(now, fixed[i]);
		/* The stack grows downwards. A process can unmap both. */
		if (a && b && a->end != b->end)
			return false;
	}
	return true;
}

static bool is_same_executable(const struct subject *subject, const struct process_facts *now)
{
	if (!subject->facts.executable || !now->executable)
		return true;
	return strcmp(subject->facts.executable, now->executable) == 0;
}

enum subject_change subject_compare(const struct subject *subject, const struct mappings *now)
{
	CLEANUP(process_facts_deinit) struct process_facts facts = {0};
	struct error *error = proc_process(subject->facts.pid, &facts);
	if (error || facts.start_ticks != subject->facts.start_ticks) {
		error_destroy(error);
		return SUBJECT_ENDED;
	}
	if (!is_same_executable(subject, &facts) || !is_same_image(&subject->mappings, now))
		return SUBJECT_EXECUTED;
	return SUBJECT_SAME;
}

enum subject_change subject_check(const struct subject *subject)
{
	CLEANUP(mappings_deinit) struct mappings now = {0};
	struct error *error = proc_mappings(subject->facts.pid, &now);
	if (!error)
		return subject_compare(subject, &now);
	error_destroy(error);
	/* Refused is what follows an execve(2) of a program with other rights. */
	return proc_is_same(&subject->facts) ? SUBJECT_EXECUTED : SUBJECT_ENDED;
}

/*
 * The descriptor is bound to the memory that the process had when it was opened, and reads nothing
 * once nobody uses that (fs/proc/base.c, mem_rw). What is read is of no consequence, nor whether
 * there is memory at that address.
 */
bool subject_image_lives(const struct subject *subject)
{
	char byte;
	uint64_t address = subject->mappings.count ? subject->mappings.items[0].start : 0;
	return subject->image_fd >= 0 &&
	       pread(subject->image_fd, &byte, sizeof(byte), (off_t)address) != 0;
}

/* The next mapping of a file from `index` on; NULL behind the last. */
static const struct mapping *next_of_file(const struct mappings *mappings, size_t *index)
{
	while (*index < mappings->count) {
		const struct mapping *mapping = &mappings->items[(*index)++];
		if (mapping->path[0] == '/')
			return mapping;
	}
	return NULL;
}

typedef const struct mapping *(*next_mapping)(const struct mappings *mappings, size_t *index);

static bool same_mappings(const struct mappings *before, const struct mappings *now,
			  next_mapping next)
{
	size_t i = 0;
	size_t j = 0;
	for (;;) {
		const struct mapping *a = next(before, &i);
		const struct mapping *b = next(now, &j);
		if (!a || !b)
			return !a && !b;
		if (a->start != b->start || a->end != b->end || a->inode != b->inode ||
		    strcmp(a->path, b->path) != 0)
			return false;
	}
}

struct error *subject_refresh(struct subject *subject)
{
	CLEANUP(mappings_deinit) struct mappings now = {0};
	CLEANUP(modules_deinit) struct modules modules = {0};
	struct error *error = proc_mappings(subject->facts.pid, &now);
	if (error)
		return error;
	bool same = same_mappings(&subject->mappings, &now, next_of_file);
	if (!same)
		error = modules_from_mappings(&now, subject->memory, &modules);
	if (error)
		return error;
	struct mappings old_mappings = subject->mappings;
	subject->mappings = now;
	now = old_mappings;
	if (!same) {
		struct modules old_modules = subject->modules;
		subject->modules = modules;
		modules = old_modules;
	}
	return NULL;
}

static const struct mapping *next_of_code(const struct mappings *mappings, size_t *index)
{
	while (*index < mappings->count) {
		const struct mapping *mapping = &mappings->items[(*index)++];
		if (mapping->flags & MAPPING_EXECUTE)
			return mapping;
	}
	return NULL;
}

bool subject_has_other_code(const struct subject *subject)
{
	CLEANUP(mappings_deinit) struct mappings now = {0};
	struct error *error = proc_mappings(subject->facts.pid, &now);
	bool other = !error && !same_mappings(&subject->mappings, &now, next_of_code);
	error_destroy(error);
	return other;
}

static const char *program_name(const struct subject *subject)
{
	const char *path = subject->facts.executable;
	if (path && *base_name(path))
		return base_name(path);
	return subject->facts.command_name ? subject->facts.command_name : "process";
}

void subject_name(const struct subject *subject, char text[SUBJECT_NAME_SIZE])
{
	snprintf(text, SUBJECT_NAME_SIZE, "process %d (%s)", (int)subject->facts.pid,
		 program_name(subject));
}

/* "20260724T010203.456Z" */
static void format_time(uint64_t ns, char text[TIME_TEXT_SIZE])
{
	const struct utc_time time = utc_time_of(ns);
	snprintf(text, TIME_TEXT_SIZE, "%04u%02u%02uT%02u%02u%02u.%03uZ", time.year, time.month,
		 time.day, time.hour, time.minute, time.second, time.millisecond);
}

char *subject_file_name(const struct subject *subject)
{
	enum { PROGRAM_NAME_MAX = 64 };
	char time_text[TIME_TEXT_SIZE];
	char *name;
	CLEANUP_FREE char *program = strndup(program_name(subject), PROGRAM_NAME_MAX);
	if (!program)
		return NULL;
	path_make_plain(program);
	format_time(subject->facts.capture_time_ns, time_text);
	if (asprintf(&name, "%s-%d-%s.zst", program, (int)subject->facts.pid, time_text) < 0)
		return NULL;
	return name;
}
