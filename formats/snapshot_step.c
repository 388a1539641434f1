#include "formats/snapshot_step.h"

#include <stdlib.h>

#include "formats/snapshot_format.h"
#include "formats/snapshot_record.h"

enum {
	PACE_SHARE = 16, /* of the difference that the pace takes over */
	/* Times that threads stood still have so many significant bits, the first one included. */
	FREEZE_BITS = 5,
	FREEZE_FIRST = 1 << (FREEZE_BITS - 1),
	FREEZE_SHIFT_MAX = 40,
};

/* Of STEP_FACTS, in the order in which their values follow. */
enum facts_mask {
	FACTS_WALL = 1 << 0,
	FACTS_STOPPED = 1 << 1,
	FACTS_ATTEMPTS = 1 << 2,
	FACTS_WAY = 1 << 3,
	FACTS_LEVEL = 1 << 4,
	FACTS_FALLBACK = 1 << 5,
	FACTS_PARTIAL = 1 << 6,
	FACTS_KNOWN = (1 << 7) - 1,
};

void step_past_begin(struct step_past *past, const struct sample_facts *sample)
{
	step_past_deinit(past);
	past->sample = *sample;
}

void step_past_deinit(struct step_past *past)
{
	free(past->places.items);
	hash_index_deinit(&past->places.index);
	snapshot_shelf_deinit(&past->shelf);
	*past = (struct step_past){0};
}

uint64_t step_past_bytes(const struct step_past *past)
{
	enum { EXTENT_BYTES = 96 }; /* and what it costs where it is hidden */
	return sizeof(*past) + past->places.count * sizeof(*past->places.items) +
	       past->shelf.count * EXTENT_BYTES + past->shelf.hidden_bytes;
}

/* Rounded up: it is told how long a thread stood still at most. */
static uint64_t freeze_encode(uint64_t freeze_ns)
{
	uint64_t units = freeze_ns / STEP_TIME_UNIT_NS + (freeze_ns % STEP_TIME_UNIT_NS != 0);
	uint64_t shift = 0;
	if (units < FREEZE_FIRST)
		return units;
	while (units >> shift >= FREEZE_FIRST * 2)
		shift++;
	uint64_t lost = units & ((UINT64_C(1) << shift) - 1);
	units = (units >> shift) + (lost != 0);
	if (units == FREEZE_FIRST * 2) {
		units = FREEZE_FIRST;
		shift++;
	}
	return (shift + 1) * FREEZE_FIRST + (units - FREEZE_FIRST);
}

static uint64_t freeze_decode(struct cursor *cursor)
{
	uint64_t code = cursor_varint(cursor);
	if (code < FREEZE_FIRST)
		return code * STEP_TIME_UNIT_NS;
	uint64_t shift = code / FREEZE_FIRST - 1;
	if (shift > FREEZE_SHIFT_MAX) {
		cursor->failed = true;
		return 0;
	}
	return ((code % FREEZE_FIRST + FREEZE_FIRST) << shift) * STEP_TIME_UNIT_NS;
}

/* Both sides learn the usual distance from what was said. */
static void learn_pace(struct step_past *past, int64_t elapsed)
{
	if (!past->pace)
		past->pace = elapsed;
	int64_t difference = (int64_t)((uint64_t)elapsed - (uint64_t)past->pace);
	past->pace = (int64_t)((uint64_t)past->pace + (uint64_t)(difference / PACE_SHARE));
}

static void advance(struct step_past *past, int64_t elapsed)
{
	uint64_t elapsed_ns = (uint64_t)elapsed * STEP_TIME_UNIT_NS;
	past->sample.time_ns += elapsed_ns;
	past->sample.monotonic_ns += elapsed_ns;
	learn_pace(past, elapsed);
}

/* How much more the wall clock advanced than was said. */
static int64_t wall_difference(const struct step_past *past, const struct sample_facts *sample)
{
	uint64_t said = past->sample.time_ns - past->sample.monotonic_ns;
	return (int64_t)(sample->time_ns - sample->monotonic_ns - said);
}

static bool wall_differs(int64_t difference)
{
	return difference > STEP_WALL_TOLERANCE_NS || difference < -STEP_WALL_TOLERANCE_NS;
}

static struct error *encode_facts(struct buffer *buffer, struct step_past *past,
				  const struct sample_facts *sample, int64_t wall, uint64_t mask)
{
	struct sample_facts *said = &past->sample;
	const uint64_t values[] = {
		zigzag_encode(wall), sample->threads_stopped, sample->attempts, sample->way,
		sample->level,	     sample->fallback,	      sample->partial,
	};
	struct error *error = buffer_append_varint(buffer, mask);
	for (size_t i = 0; !error && i < sizeof(values) / sizeof(values[0]); i++) {
		if (mask & UINT64_C(1) << i)
			error = buffer_append_varint(buffer, values[i]);
	}
	if (mask & FACTS_WALL)
		said->time_ns += (uint64_t)wall;
	said->threads_stopped = sample->threads_stopped;
	said->attempts = sample->attempts;
	said->way = sample->way;
	said->level = sample->level;
	said->fallback = sample->fallback;
	said->partial = sample->partial;
	return error;
}

static uint64_t facts_mask(const struct sample_facts *said, const struct sample_facts *sample)
{
	return (sample->threads_stopped != said->threads_stopped ? FACTS_STOPPED : 0) |
	       (sample->attempts != said->attempts ? FACTS_ATTEMPTS : 0) |
	       (sample->way != said->way ? FACTS_WAY : 0) |
	       (sample->level != said->level ? FACTS_LEVEL : 0) |
	       (sample->fallback != said->fallback ? FACTS_FALLBACK : 0) |
	       (sample->partial != said->partial ? FACTS_PARTIAL : 0);
}

struct error *step_sample_encode(struct buffer *buffer, struct step_past *past,
				 const struct sample_facts *sample, uint64_t *head)
{
	int64_t wall = wall_difference(past, sample);
	int64_t elapsed = (int64_t)(sample->monotonic_ns - past->sample.monotonic_ns);
	uint64_t mask = facts_mask(&past->sample, sample) | (wall_differs(wall) ? FACTS_WALL : 0);
	uint64_t freeze = freeze_encode(sample->freeze_ns);
	elapsed /= STEP_TIME_UNIT_NS;
	struct error *error = buffer_append_varint(
		buffer, zigzag_encode((int64_t)((uint64_t)elapsed - (uint64_t)past->pace)));
	if (!error)
		error = buffer_append_varint(buffer, freeze);
	advance(past, elapsed);
	past->sample.freeze_ns = sample->freeze_ns;
	if (error || !mask)
		return error;
	*head |= STEP_FACTS;
	return encode_facts(buffer, past, sample, wall, mask);
}

static uint32_t decode_u32(struct cursor *cursor)
{
	uint64_t value = cursor_varint(cursor);
	if (value > UINT32_MAX)
		cursor->failed = true;
	return (uint32_t)value;
}

static bool decode_flag(struct cursor *cursor)
{
	uint64_t value = cursor_varint(cursor);
	if (value > 1)
		cursor->failed = true;
	return value != 0;
}

static void decode_facts(struct cursor *cursor, struct sample_facts *said)
{
	uint64_t mask = cursor_varint(cursor);
	if (mask & ~(uint64_t)FACTS_KNOWN)
		cursor->failed = true;
	if (mask & FACTS_WALL)
		said->time_ns += (uint64_t)zigzag_decode(cursor_varint(cursor));
	if (mask & FACTS_STOPPED)
		said->threads_stopped = decode_u32(cursor);
	if (mask & FACTS_ATTEMPTS)
		said->attempts = decode_u32(cursor);
	if (mask & FACTS_WAY)
		said->way = decode_u32(cursor);
	if (mask & FACTS_LEVEL)
		said->level = decode_u32(cursor);
	if (mask & FACTS_FALLBACK)
		said->fallback = decode_flag(cursor);
	if (mask & FACTS_PARTIAL)
		said->partial = decode_flag(cursor);
}

void step_sample_decode(struct cursor *cursor, struct step_past *past, uint64_t head)
{
	int64_t difference = zigzag_decode(cursor_varint(cursor));
	advance(past, (int64_t)((uint64_t)difference + (uint64_t)past->pace));
	past->sample.freeze_ns = freeze_decode(cursor);
	if (head & STEP_FACTS)
		decode_facts(cursor, &past->sample);
}
