#include "capture/page_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/cleanup.h"

/* Bits of an entry of /proc/PID/pagemap. */
#define ENTRY_GUARD	     (1ULL << 58) /* from Linux 6.15 */
#define ENTRY_FILE_OR_SHARED (1ULL << 61)
#define ENTRY_SWAPPED	     (1ULL << 62)
#define ENTRY_PRESENT	     (1ULL << 63)

enum {
	CHUNK_ENTRIES = 8192,
	CHUNK_REGIONS = 512,
};

/*
 * PAGEMAP_SCAN of Linux 6.7, written out because the C library's headers may be older. It skips
 * what has no page tables, so that terabytes of reserved addresses (AddressSanitizer's shadow, for
 * one) cost nothing.
 */
struct scan_region {
	uint64_t start;
	uint64_t end;
	uint64_t categories;
};

struct scan_argument {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end; /* set by the kernel */
	uint64_t regions;
	uint64_t region_count;
	uint64_t max_pages;
	uint64_t category_inverted;
	uint64_t category_mask;
	uint64_t category_any_of;
	uint64_t return_mask;
};

/* int, as musl's ioctl(3) has it; the kernel takes 32 bits. */
#define SCAN_IOCTL	((int)_IOWR('f', 16, struct scan_argument))
#define SCAN_IS_FILE	(1ULL << 2)
#define SCAN_IS_PRESENT (1ULL << 3)
#define SCAN_IS_SWAPPED (1ULL << 4)
/*
 * From Linux 6.15. Guard regions (MADV_GUARD_INSTALL; glibc's thread stacks have them) look like
 * swapped pages, lie inside of writable mappings, and cannot be read.
 */
#define SCAN_IS_GUARD (1ULL << 8)

struct page_map {
	int fd; /* -1: the kernel does not tell */
	uint64_t page_size;
	bool scan_refused;
	bool guard_refused; /* the kernel knows no SCAN_IS_GUARD */
	/* What the kernel was asked last: the runs of own pages in [known_start, known_end). */
	uint64_t known_start;
	uint64_t known_end;
	struct page_run *runs;
	size_t run_count;
	union {
		uint64_t entries[CHUNK_ENTRIES];
		struct scan_region regions[CHUNK_REGIONS];
	};
};

struct error *page_map_create(pid_t pid, struct page_map **ret)
{
	char path[32];
	struct page_map *map = calloc(1, sizeof(*map));
	/* At worst every other page is a run of its own. */
	struct page_run *runs = calloc(CHUNK_ENTRIES / 2 + 1, sizeof(*runs));
	if (!map || !runs) {
		free(map);
		free(runs);
		return &error_out_of_memory;
	}
	map->runs = runs;
	map->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	map->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (map->fd < 0 && errno == ENOENT && access("/proc/self/pagemap", F_OK) == 0) {
		page_map_destroy(map);
		return error_create(ERROR_NO_PROCESS, "there is no process %d", (int)pid);
	}
	*ret = map;
	return NULL;
}

void page_map_destroy(struct page_map *map)
{
	if (!map)
		return;
	if (map->fd >= 0)
		close(map->fd);
	free(map->runs);
	free(map);
}

void page_map_destroyp(struct page_map **map)
{
	page_map_destroy(*map);
}

/* Runs come in ascending order; those that touch are joined. */
static void add_run(struct page_map *map, uint64_t start, uint64_t end)
{
	if (map->run_count && map->runs[map->run_count - 1].end == start)
		map->runs[map->run_count - 1].end = end;
	else
		map->runs[map->run_count++] = (struct page_run){.start = start, .end = end};
}

static bool learn_by_scan(struct page_map *map, uint64_t start, uint64_t end)
{
	const uint64_t none_of = SCAN_IS_FILE | (map->guard_refused ? 0 : SCAN_IS_GUARD);
	struct scan_argument argument = {
		.size = sizeof(argument),
		.start = start,
		.end = end,
		.regions = (uint64_t)(uintptr_t)map->regions,
		.region_count = CHUNK_REGIONS,
		.category_inverted = none_of,
		.category_mask = none_of,
		.category_any_of = SCAN_IS_PRESENT | SCAN_IS_SWAPPED,
		.return_mask = SCAN_IS_PRESENT,
	};
	int count = ioctl(map->fd, SCAN_IOCTL, &argument);
	if (count < 0 && errno == EINVAL && !map->guard_refused) {
		map->guard_refused = true;
		return learn_by_scan(map, start, end);
	}
	if (count < 0 || argument.walk_end <= start)
		return false;
	for (int i = 0; i < count; i++)
		add_run(map, map->regions[i].start, map->regions[i].end);
	map->known_end = argument.walk_end;
	return true;
}

static bool is_own_page(uint64_t entry)
{
	return entry & (ENTRY_PRESENT | ENTRY_SWAPPED) &&
	       !(entry & (ENTRY_FILE_OR_SHARED | ENTRY_GUARD));
}

static bool learn_by_entries(struct page_map *map, uint64_t start, uint64_t end)
{
	uint64_t wanted = (end - start) / map->page_size;
	if (wanted > CHUNK_ENTRIES)
		wanted = CHUNK_ENTRIES;
	ssize_t size = pread(map->fd, map->entries, wanted * sizeof(uint64_t),
			     (off_t)(start / map->page_size * sizeof(uint64_t)));
	if (size < (ssize_t)sizeof(uint64_t))
		return false;
	uint64_t count = (uint64_t)size / sizeof(uint64_t);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t address = start + i * map->page_size;
		if (is_own_page(map->entries[i]))
			add_run(map, address, address + map->page_size);
	}
	map->known_end = start + count * map->page_size;
	return true;
}

/* Ask for a chunk that begins at `start`. */
static void learn(struct page_map *map, uint64_t start, uint64_t end)
{
	map->known_start = start;
	map->run_count = 0;
	if (map->fd >= 0 && !map->scan_refused) {
		if (learn_by_scan(map, start, end))
			return;
		map->scan_refused = true;
	}
	if (map->fd >= 0 && learn_by_entries(map, start, end))
		return;
	map->run_count = 0;
	map->known_end = end;
	add_run(map, start, end);
}

/* The first known run that ends after `address`. */
static const struct page_run *find_run(const struct page_map *map, uint64_t address)
{
	size_t low = 0, high = map->run_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (map->runs[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < map->run_count ? &map->runs[low] : NULL;
}

bool page_map_next(struct page_map *map, uint64_t start, uint64_t end, struct page_run *ret)
{
	while (start < end) {
		if (start < map->known_start || start >= map->known_end)
			learn(map, start, end);
		const struct page_run *run = find_run(map, start);
		if (run && run->start < end) {
			*ret = (struct page_run){
				.start = run->start > start ? run->start : start,
				.end = run->end < end ? run->end : end,
			};
			return true;
		}
		start = map->known_end;
	}
	return false;
}
