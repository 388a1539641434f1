#include "lib/scout.h"

#include <stdlib.h>
#include <string.h>

#include "capture/proc.h"
#include "capture/proc_family.h"
#include "common/array.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "lib/background_thread.h"
#include "lib/handle.h"

enum {
	INTERVAL_NS = 100 * 1000 * 1000,
	CHILD_RETRIES = 5,
	ARRIVALS_MAX = FAMILY_MAX,
	FAILURES_MAX = 64,
	/* A Python that is still starting then is told of. */
	BUSY_PASSES = 20,
};

/* A process that was seen. */
struct sight {
	struct process_facts facts; /* as they were when it was tried last */
	bool tried;
	bool opened;
	bool told;     /* that it cannot be opened */
	unsigned busy; /* how often it was just starting */
	bool seen;     /* in this pass */
};

struct failure {
	int32_t pid;
	struct error *error;
};

struct scout {
	struct process_facts root; /* pid and start_ticks alone */
	bool root_too;
	struct pyspy_config config;
	pthread_t thread;
	atomic_bool stop;
	/* Of the thread alone. */
	struct sight *sights;
	size_t count;
	size_t capacity;
	/* Of both. */
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	struct pyspy *arrivals[ARRIVALS_MAX];
	size_t arrival_count;
	struct failure failures[FAILURES_MAX];
	size_t failure_count;
	uint64_t passes;
};

static void sight_deinit(struct sight *sight)
{
	process_facts_deinit(&sight->facts);
}

static struct sight *find_sight(struct scout *scout, const struct process_facts *facts)
{
	for (size_t i = 0; i < scout->count; i++) {
		const struct process_facts *known = &scout->sights[i].facts;
		if (known->pid == facts->pid && known->start_ticks == facts->start_ticks)
			return &scout->sights[i];
	}
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_program(const struct process_facts *a, const struct process_facts *b)
{
	return same_text(a->command_name, b->command_name) &&
	       same_text(a->command_line, b->command_line);
}

/* Takes over what `facts` holds where it is new or has changed. */
static struct error *see(struct scout *scout, struct process_facts *facts)
{
	struct sight *sight = find_sight(scout, facts);
	if (!sight) {
		struct error *no_room =
			ARRAY_GROW(scout->sights, scout->count, scout->capacity, 16);
		if (no_room)
			return no_room;
		sight = &scout->sights[scout->count++];
		*sight = (struct sight){0};
	}
	sight->seen = true;
	if (sight->facts.pid && (sight->opened || same_program(&sight->facts, facts)))
		return NULL;
	process_facts_deinit(&sight->facts);
	sight->facts = *facts;
	sight->tried = false;
	sight->told = false;
	sight->busy = 0;
	*facts = (struct process_facts){0};
	return NULL;
}

static void forget_ended(struct scout *scout)
{
	size_t kept = 0;
	for (size_t i = 0; i < scout->count; i++) {
		struct sight *sight = &scout->sights[i];
		if (sight->seen || proc_is_same(&sight->facts))
			scout->sights[kept++] = *sight;
		else
			sight_deinit(sight);
	}
	scout->count = kept;
}

/* The root itself, which is no descendant of anybody here. */
static struct error *see_root(struct scout *scout)
{
	CLEANUP(process_facts_deinit) struct process_facts facts = {0};
	struct error *error = proc_relative(scout->root.pid, &facts);
	if (error && error->code != ERROR_OUT_OF_MEMORY) {
		error_destroy(error);
		return NULL;
	}
	if (error || facts.start_ticks != scout->root.start_ticks)
		return error;
	return see(scout, &facts);
}

/* What comes from the root, and from those that came from it: a process whose parent ends is
 * another one's child then. */
static struct error *look_around(struct scout *scout)
{
	CLEANUP(family_deinit) struct family family = {0};
	struct error *error = family_add_descendants(&family, scout->root.pid);
	for (size_t i = 0; !error && i < scout->count; i++) {
		scout->sights[i].seen = false;
		error = family_add_descendants(&family, scout->sights[i].facts.pid);
	}
	for (size_t i = 0; !error && i < family.count; i++)
		error = see(scout, &family.items[i]);
	if (!error && scout->root_too)
		error = see_root(scout);
	forget_ended(scout);
	return error;
}

static void arrive(struct scout *scout, struct pyspy *spy)
{
	pthread_mutex_lock(&scout->mutex);
	bool room = scout->arrival_count < ARRIVALS_MAX;
	if (room)
		scout->arrivals[scout->arrival_count++] = spy;
	pthread_mutex_unlock(&scout->mutex);
	if (!room)
		pyspy_close(spy);
}

/* Consumes `error`. */
static void tell(struct scout *scout, struct sight *sight, struct error *error)
{
	pthread_mutex_lock(&scout->mutex);
	bool room = !sight->told && scout->failure_count < FAILURES_MAX;
	if (room) {
		scout->failures[scout->failure_count++] =
			(struct failure){.pid = sight->facts.pid, .error = error};
		sight->told = true;
	}
	pthread_mutex_unlock(&scout->mutex);
	if (!room)
		error_destroy(error);
}

/* What is no Python, or has just ended, is nothing to tell of. Consumes `error`. */
static void give_up(struct scout *scout, struct sight *sight, struct error *error)
{
	bool starting = error->code == ERROR_BUSY;
	/* In the next pass more is known. */
	if (starting)
		sight->tried = false;
	if (error->code == ERROR_NOT_PYTHON || (starting && ++sight->busy < BUSY_PASSES) ||
	    atomic_load(&scout->stop) || !proc_is_same(&sight->facts))
		error_destroy(error);
	else
		tell(scout, sight, error);
}

static void open_new(struct scout *scout)
{
	for (size_t i = 0; i < scout->count && !atomic_load(&scout->stop); i++) {
		struct sight *sight = &scout->sights[i];
		struct pyspy *spy;
		if (sight->opened || sight->tried ||
		    (sight->facts.pid == scout->root.pid && !scout->root_too))
			continue;
		sight->tried = true;
		struct error *error = handle_open_retry(sight->facts.pid, &scout->config,
							CHILD_RETRIES, &scout->stop, &spy);
		sight->opened = !error;
		if (error)
			give_up(scout, sight, error);
		else
			arrive(scout, spy);
	}
}

/* False if it is to stop. */
static bool wait_for_next(struct scout *scout)
{
	uint64_t until_ns = clock_ns(CLOCK_MONOTONIC) + INTERVAL_NS;
	pthread_mutex_lock(&scout->mutex);
	scout->passes++;
	while (!atomic_load(&scout->stop) &&
	       monotonic_cond_wait(&scout->wake, &scout->mutex, until_ns))
		;
	pthread_mutex_unlock(&scout->mutex);
	return !atomic_load(&scout->stop);
}

static void *run(void *argument)
{
	struct scout *scout = argument;
	do {
		/* Out of memory: what was seen so far is opened, the rest in a later pass. */
		error_destroy(look_around(scout));
		open_new(scout);
	} while (wait_for_next(scout));
	return NULL;
}

static void destroy_parts(struct scout *scout)
{
	for (size_t i = 0; i < scout->arrival_count; i++)
		pyspy_close(scout->arrivals[i]);
	for (size_t i = 0; i < scout->failure_count; i++)
		error_destroy(scout->failures[i].error);
	for (size_t i = 0; i < scout->count; i++)
		sight_deinit(&scout->sights[i]);
	free(scout->sights);
	pthread_cond_destroy(&scout->wake);
	pthread_mutex_destroy(&scout->mutex);
	free(scout);
}

struct error *scout_create(const struct process_facts *root, bool root_too,
			   const struct pyspy_config *config, struct scout **ret)
{
	struct scout *scout = calloc(1, sizeof(*scout));
	if (!scout)
		return &error_out_of_memory;
	scout->root.pid = root->pid;
	scout->root.start_ticks = root->start_ticks;
	scout->root_too = root_too;
	scout->config = *config;
	atomic_init(&scout->stop, false);
	pthread_mutex_init(&scout->mutex, NULL);
	monotonic_cond_init(&scout->wake);
	struct error *error = background_thread_start(run, scout, &scout->thread);
	if (error) {
		destroy_parts(scout);
		return error;
	}
	*ret = scout;
	return NULL;
}

void scout_destroy(struct scout *scout)
{
	if (!scout)
		return;
	pthread_mutex_lock(&scout->mutex);
	atomic_store(&scout->stop, true);
	pthread_cond_broadcast(&scout->wake);
	pthread_mutex_unlock(&scout->mutex);
	pthread_join(scout->thread, NULL);
	destroy_parts(scout);
}

struct pyspy *scout_take(struct scout *scout)
{
	pthread_mutex_lock(&scout->mutex);
	struct pyspy *spy = scout->arrival_count ? scout->arrivals[--scout->arrival_count] : NULL;
	pthread_mutex_unlock(&scout->mutex);
	return spy;
}

struct error *scout_take_failure(struct scout *scout, int32_t *ret_pid)
{
	struct error *error = NULL;
	pthread_mutex_lock(&scout->mutex);
	if (scout->failure_count) {
		*ret_pid = scout->failures[--scout->failure_count].pid;
		error = scout->failures[scout->failure_count].error;
	}
	pthread_mutex_unlock(&scout->mutex);
	return error;
}

uint64_t scout_passes(struct scout *scout)
{
	pthread_mutex_lock(&scout->mutex);
	uint64_t passes = scout->passes;
	pthread_mutex_unlock(&scout->mutex);
	return passes;
}
