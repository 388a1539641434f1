/* For the tests of runs: processes whose memory, threads and samples change at random, and whether
 * a sample that is read is what one of them was. */
#ifndef PYSPY_TESTS_SNAPSHOT_WORLD_H
#define PYSPY_TESTS_SNAPSHOT_WORLD_H

#include "snapshot_builder.h"

#include "formats/snapshot_step.h"
#include "tests/unit/random_image.h"

enum {
	PROCESSES = 3,
	SPACE = 2 * MEMORY_IMAGE_WINDOW,
	THREADS_MAX = 40,
	FUNCTIONS = 60,
	FUNCTION_BYTES = 90,
};

/* What is so of a process at one moment. */
struct world {
	int32_t pid;
	struct memory_image *image;
	struct thread_list threads;
	struct sample_facts sample;
	int32_t next_tid;
	uint64_t functions; /* that are there; bits */
};

static inline void world_init(struct world *world, int32_t pid)
{
	*world = (struct world){.pid = pid, .next_tid = pid};
	check(memory_image_create(&world->image));
	world->sample = (struct sample_facts){
		.pid = pid,
		.time_ns = 1700000000123456789,
		.monotonic_ns = 5000000111,
	};
}

static inline void world_deinit(struct world *world)
{
	memory_image_destroy(world->image);
	thread_list_deinit(&world->threads);
}

/* What comes and goes as a whole, nearly always with the same bytes. */
static inline void mutate_functions(struct world *world)
{
	for (uint32_t i = random_below(5); i > 0; i--) {
		uint32_t number = random_below(FUNCTIONS);
		uint64_t address = base + (uint64_t)SPACE + (uint64_t)number * 97;
		uint8_t bytes[FUNCTION_BYTES];
		world->functions ^= UINT64_C(1) << number;
		if (!(world->functions >> number & 1)) {
			/* Sometimes only a part of it goes. */
			uint32_t size = random_below(9) ? FUNCTION_BYTES : FUNCTION_BYTES / 2;
			check(memory_image_drop(world->image, address, size));
			continue;
		}
		for (uint32_t j = 0; j < FUNCTION_BYTES; j++)
			bytes[j] = (uint8_t)(number * j);
		if (random_below(4) == 0)
			bytes[random_below(FUNCTION_BYTES)] = (uint8_t)random_below(256);
		if (random_below(20) == 0)
			memset(bytes, (int)random_below(256), sizeof(bytes));
		check(memory_image_put(world->image, address, bytes, sizeof(bytes)));
	}
}

static inline void set_registers(struct thread_facts *thread)
{
	free(thread->registers);
	thread->registers = NULL;
	thread->registers_size = 0;
	if (random_below(3) == 0)
		return;
	thread->registers_size = random_below(2) ? 216 : 272;
	thread->registers = calloc(1, thread->registers_size);
	assert_non_null(thread->registers);
	*(uint8_t *)thread->registers = (uint8_t)random_below(256);
}

static inline void mutate_thread(struct thread_facts *thread)
{
	switch (random_below(8)) {
	case 0:
		snprintf(thread->name, sizeof(thread->name), "name %u", random_below(9));
		break;
	case 1:
		thread->container_tid = (int32_t)random_below(3);
		break;
	case 2:
		thread->cpu_time_ns = random_below(1000);
		break;
	case 3:
		set_registers(thread);
		break;
	case 4:
		if (thread->registers)
			((uint8_t *)thread->registers)[random_below(216)] ^= 1;
		break;
	default:
		thread->system_call = (int64_t)random_below(12) - 1;
		thread->has_system_call_argument = random_below(2);
		thread->system_call_argument =
			thread->has_system_call_argument ? base + random_below(20) : 0;
		thread->state = "RSDZ"[random_below(4)];
		break;
	}
}

static inline void add_thread(struct world *world, size_t at)
{
	struct thread_facts thread = {.tid = ++world->next_tid, .system_call = -1, .state = 'S'};
	check(thread_list_append(&world->threads, &thread));
	struct thread_facts *items = world->threads.items;
	memmove(items + at + 1, items + at, (world->threads.count - 1 - at) * sizeof(*items));
	items[at] = thread;
}

static inline void remove_thread(struct world *world, size_t at)
{
	struct thread_facts *items = world->threads.items;
	free(items[at].registers);
	world->threads.count--;
	memmove(items + at, items + at + 1, (world->threads.count - at) * sizeof(*items));
}

static inline void mutate_threads(struct world *world)
{
	struct thread_list *threads = &world->threads;
	for (size_t i = 0; i < threads->count; i++) {
		threads->items[i].cpu_time_ns += random_below(2) ? random_below(20000000) : 0;
		if (random_below(5) == 0)
			mutate_thread(&threads->items[i]);
	}
	if (threads->count && random_below(6) == 0)
		remove_thread(world, random_below((uint32_t)threads->count));
	/* Lists are in the order of the ids nearly always. */
	if (threads->count < THREADS_MAX && random_below(4) == 0)
		add_thread(world, random_below(3) ? threads->count
						  : random_below((uint32_t)threads->count + 1));
}

static inline void mutate_sample(struct sample_facts *sample)
{
	uint64_t elapsed = 9000000 + random_below(2000000);
	sample->time_ns += elapsed + random_below(100);
	sample->monotonic_ns += elapsed;
	sample->freeze_ns = random_below(random_below(2) ? 100000 : 4000000000u);
	if (random_below(50) == 0)
		sample->time_ns += 3600000000000 - (uint64_t)random_below(3) * 3600000000000;
	if (random_below(5))
		return;
	sample->threads_stopped = random_below(4);
	sample->attempts = random_below(4);
	sample->way = random_below(4);
	sample->partial = random_below(2);
	sample->fallback = random_below(2);
	sample->level = random_below(2);
}

static inline void mutate(struct world *world)
{
	mutate_image(world->image, SPACE, 6, 300);
	mutate_functions(world);
	mutate_threads(world);
	mutate_sample(&world->sample);
}

/* The samples of some processes, in a row that is not regular. */
static inline struct world *next_world(struct world *worlds)
{
	struct world *world = &worlds[random_below(PROCESSES)];
	mutate(world);
	return world;
}

static inline void worlds_init(struct world *worlds)
{
	random_state = 7;
	for (int32_t i = 0; i < PROCESSES; i++)
		world_init(&worlds[i], 1000 + 70000 * i);
}

static inline void worlds_deinit(struct world *worlds)
{
	for (size_t i = 0; i < PROCESSES; i++)
		world_deinit(&worlds[i]);
}

static inline uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static inline void assert_same_sample(const struct sample_facts *found,
				      const struct sample_facts *wanted)
{
	assert_int_equal(found->pid, wanted->pid);
	assert_true(distance(found->monotonic_ns, wanted->monotonic_ns) < STEP_TIME_UNIT_NS);
	assert_true(distance(found->time_ns, wanted->time_ns) <=
		    STEP_WALL_TOLERANCE_NS + STEP_TIME_UNIT_NS);
	/* Never told shorter than it was. */
	assert_true(found->freeze_ns >= wanted->freeze_ns);
	assert_true(found->freeze_ns <=
		    wanted->freeze_ns + wanted->freeze_ns / 16 + 2 * STEP_TIME_UNIT_NS);
	assert_int_equal(found->threads_stopped, wanted->threads_stopped);
	assert_int_equal(found->attempts, wanted->attempts);
	assert_int_equal(found->way, wanted->way);
	assert_int_equal(found->level, wanted->level);
	assert_int_equal(found->fallback, wanted->fallback);
	assert_int_equal(found->partial, wanted->partial);
}

static inline void assert_same_threads(const struct thread_list *found,
				       const struct thread_list *wanted)
{
	assert_int_equal(found->count, wanted->count);
	for (size_t i = 0; i < wanted->count; i++) {
		const struct thread_facts *a = &found->items[i];
		const struct thread_facts *b = &wanted->items[i];
		assert_int_equal(a->tid, b->tid);
		assert_int_equal(a->container_tid, b->container_tid);
		assert_int_equal(a->state, b->state);
		assert_int_equal(a->system_call, b->system_call);
		assert_int_equal(a->has_system_call_argument, b->has_system_call_argument);
		assert_int_equal(a->system_call_argument, b->system_call_argument);
		assert_string_equal(a->name, b->name);
		assert_true(a->cpu_time_ns <= b->cpu_time_ns);
		assert_true(b->cpu_time_ns - a->cpu_time_ns < 1000000);
		assert_int_equal(a->registers_size, b->registers_size);
		if (b->registers_size)
			assert_memory_equal(a->registers, b->registers, b->registers_size);
	}
}

/* The ranges of an image, and nothing else, are there. */
static inline void assert_same_memory(struct snapshot *snapshot, struct memory_image *image)
{
	struct memory *found = snapshot_memory(snapshot);
	static uint8_t bytes[SPACE];
	struct memory_range range;
	uint64_t end = 0;
	for (uint64_t at = 0; memory_image_next(image, at, &range);
	     at = range.address + range.size) {
		assert_int_equal(memory_read(found, range.address, bytes, range.size), MEMORY_OK);
		assert_memory_equal(bytes, range.bytes, range.size);
		if (range.address != end) {
			assert_int_equal(memory_read(found, range.address - 1, bytes, 1),
					 MEMORY_NOT_CAPTURED);
			if (end)
				assert_int_equal(memory_read(found, end, bytes, 1),
						 MEMORY_NOT_CAPTURED);
		}
		end = range.address + range.size;
	}
	struct snapshot_statistics statistics;
	snapshot_statistics(snapshot, &statistics);
	assert_int_equal(statistics.memory_bytes, memory_image_size_bytes(image));
}

static inline void assert_is(struct snapshot *snapshot, const struct world *world)
{
	assert_int_equal(snapshot_process(snapshot)->pid, world->pid);
	assert_same_sample(snapshot_sample(snapshot), &world->sample);
	assert_same_threads(snapshot_threads(snapshot), &world->threads);
	assert_same_memory(snapshot, world->image);
}

#endif
