#include "analyze/source_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/source_file.h"
#include "common/address_map.h"
#include "common/cleanup.h"

enum {
	MAX_FILES = 1 << 14,
	MAX_BYTES = 1 << 28, /* of all files */
};

/* How wrong the process's start can be: the kernel tells the boot's time in seconds (proc(5), btime
 * of /proc/stat). */
#define START_ERROR_NS (2 * UINT64_C(1000000000))

/* A file that was sought. */
struct known_file {
	struct known_file *next; /* of those with the same hash */
	const char *name;	 /* borrowed from the model */
	struct source_file file;
	bool found;
};

struct source_cache {
	const char *root;
	uint64_t start_ns;	  /* of the process; 0 if unknown */
	struct address_map files; /* by the hash of the name; values are known_file, owned */
	size_t file_count;
	size_t size_bytes;
	const char *newer; /* a file that changed later; borrowed from the model */
	size_t newer_count;
};

static void source_cache_deinit(struct source_cache *cache)
{
	for (size_t i = 0; i < cache->files.capacity; i++) {
		struct known_file *file = cache->files.entries[i].value;
		while (file) {
			struct known_file *next = file->next;
			source_file_deinit(&file->file);
			free(file);
			file = next;
		}
	}
	address_map_deinit(&cache->files);
}

/* FNV-1a; never 0, which is no key. */
static uint64_t name_hash(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325;
	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 0x100000001b3;
	return hash ? hash : 1;
}

static struct error *read_known(struct source_cache *cache, struct known_file *known)
{
	struct error *error =
		source_file_read(cache->root, known->name, &known->file, &known->found);
	if (error || !known->found)
		return error;
	cache->size_bytes += known->file.size + known->file.line_count * sizeof(size_t);
	if (!cache->start_ns || known->file.modified_ns < START_ERROR_NS ||
	    known->file.modified_ns - START_ERROR_NS <= cache->start_ns)
		return NULL;
	if (!cache->newer_count++)
		cache->newer = known->name;
	return NULL;
}

/* `ret` is NULL if there is no such file. */
static struct error *find_file(struct source_cache *cache, const char *name,
			       const struct source_file **ret)
{
	uint64_t hash = name_hash(name);
	struct known_file *first = address_map_get(&cache->files, hash);
	struct known_file *known = first;
	*ret = NULL;
	while (known && strcmp(known->name, name) != 0)
		known = known->next;
	if (!known) {
		if (cache->file_count >= MAX_FILES || cache->size_bytes >= MAX_BYTES)
			return NULL;
		known = calloc(1, sizeof(*known));
		if (!known)
			return &error_out_of_memory;
		known->next = first;
		known->name = name;
		struct error *error = address_map_put(&cache->files, hash, known);
		if (error) {
			free(known);
			return error;
		}
		cache->file_count++;
		error = read_known(cache, known);
		if (error)
			return error;
	}
	*ret = known->found ? &known->file : NULL;
	return NULL;
}

static struct error *add_source(struct source_cache *cache, struct model_frame *frame)
{
	const struct source_file *file;
	if (frame->kind != MODEL_FRAME_PYTHON || !frame->line || frame->source ||
	    !frame->filename || frame->filename[0] != '/')
		return NULL;
	struct error *error = find_file(cache, frame->filename, &file);
	if (error || !file)
		return error;
	return source_file_line(file, frame->line, &frame->source, &frame->source_escaped);
}

static struct error *make_note(const struct source_cache *cache, char **ret)
{
	char *note;
	int length;
	if (!cache->newer_count)
		return NULL;
	if (cache->newer_count == 1)
		length = asprintf(&note,
				  "%s has changed since the process started: its lines "
				  "can be other ones than those that ran",
				  cache->newer);
	else
		length = asprintf(&note,
				  "%s and %zu more source files have changed since the "
				  "process started: their lines can be other ones than "
				  "those that ran",
				  cache->newer, cache->newer_count - 1);
	if (length < 0)
		return &error_out_of_memory;
	*ret = note;
	return NULL;
}

struct error *source_lines_add(struct model_process *process, const char *root, char **ret_note)
{
	const struct process_facts *facts = &process->facts;
	CLEANUP(source_cache_deinit)
	struct source_cache cache = {
		.root = root,
		/* A core does not tell when the process started. */
		.start_ns = facts->start_time_ns ? facts->start_time_ns : facts->capture_time_ns,
	};
	for (size_t i = 0; i < process->thread_count; i++) {
		struct model_thread *thread = &process->threads[i];
		for (size_t j = 0; j < thread->frame_count; j++) {
			struct error *error = add_source(&cache, &thread->frames[j]);
			if (error)
				return error;
		}
	}
	return make_note(&cache, ret_note);
}
