#include <stdlib.h>
#include <string.h>

#include "formats/snapshot_changes.h"
#include "formats/snapshot_fields.h"
#include "formats/snapshot_format.h"
#include "formats/snapshot_record.h"
#include "formats/snapshot_step.h"

/*
 * Edits, in the order of the list: how many entries are as they were, and then what happens. It
 * happens to the next entry, which counts as passed then; an entry is inserted before it.
 */
enum edit_bits {
	EDIT_SITUATION = 1 << 0,
	EDIT_CPU = 1 << 1,
	EDIT_OTHER = 1 << 2, /* alone, but for registers */
	EDIT_SHIFT = 3,
};

enum edit_other {
	OTHER_REMOVE = 0,
	OTHER_INSERT = 1,
	OTHER_REPLACE = 2,
	OTHER_REGISTERS = 3,
};

/* Less processor time than this is said together with the next. */
enum { CPU_STEP_NS = 1000000 };

static struct step_situation situation_of(const struct thread_facts *thread)
{
	return (struct step_situation){
		.system_call = thread->system_call,
		.argument = thread->has_system_call_argument ? thread->system_call_argument : 0,
		.has_argument = thread->has_system_call_argument,
		.state = thread->state,
	};
}

static void situation_set(struct thread_facts *thread, const struct step_situation *situation)
{
	thread->system_call = situation->system_call;
	thread->system_call_argument = situation->argument;
	thread->has_system_call_argument = situation->has_argument;
	thread->state = situation->state;
}

static bool situation_equal(const struct step_situation *a, const struct step_situation *b)
{
	return a->system_call == b->system_call && a->argument == b->argument &&
	       a->has_argument == b->has_argument && a->state == b->state;
}

/* The oldest one makes room. */
static void situation_add(struct step_situations *situations,
			  const struct step_situation *situation)
{
	situations->items[situations->next] = *situation;
	situations->next = (situations->next + 1) % STEP_SITUATIONS;
	if (situations->count < STEP_SITUATIONS)
		situations->count++;
}

/* Its number from 1 on, or 0 and what it is. */
static struct error *situation_encode(struct buffer *buffer, struct step_situations *situations,
				      const struct step_situation *situation)
{
	enum { HAS_ARGUMENT = 0x80 };
	for (uint32_t i = 0; i < situations->count; i++) {
		if (situation_equal(&situations->items[i], situation))
			return buffer_append_varint(buffer, i + 1);
	}
	situation_add(situations, situation);
	struct error *error = buffer_append_varint(buffer, 0);
	if (!error)
		error = buffer_append_u8(buffer,
					 (uint8_t)(situation->state & 0x7f) |
						 (situation->has_argument ? HAS_ARGUMENT : 0));
	if (!error)
		error = buffer_append_varint(buffer, zigzag_encode(situation->system_call));
	if (!error && situation->has_argument)
		error = buffer_append_varint(buffer, situation->argument);
	return error;
}

static void situation_decode(struct cursor *cursor, struct step_situations *situations,
			     struct thread_facts *thread)
{
	uint64_t number = cursor_varint(cursor);
	if (number > situations->count) {
		cursor->failed = true;
		return;
	}
	if (number) {
		situation_set(thread, &situations->items[number - 1]);
		return;
	}
	uint8_t head = cursor_u8(cursor);
	uint8_t state = head & 0x7f;
	if (state && !record_is_letter(state)) {
		cursor->failed = true;
		return;
	}
	struct step_situation situation = {
		.state = (char)state,
		.has_argument = head >> 7,
		.system_call = zigzag_decode(cursor_varint(cursor)),
	};
	if (situation.has_argument)
		situation.argument = cursor_varint(cursor);
	situation_add(situations, &situation);
	situation_set(thread, &situation);
}

struct encoding {
	struct buffer *buffer;
	struct step_situations *situations;
	struct thread_list list; /* what it becomes */
	uint64_t skip;		 /* entries since the last edit */
	bool records;		 /* entries came, went or were replaced */
};

/* Append to the list that the reader will have. Its registers are copied. */
static struct error *keep(struct encoding *encoding, const struct thread_facts *thread)
{
	struct thread_facts copy;
	struct error *error = thread_facts_copy(thread, &copy);
	if (error)
		return error;
	error = thread_list_append(&encoding->list, &copy);
	if (error)
		free(copy.registers);
	return error;
}

static struct error *append_edit(struct encoding *encoding, uint64_t bits)
{
	uint64_t skip = encoding->skip;
	encoding->skip = 0;
	return buffer_append_varint(encoding->buffer, skip << EDIT_SHIFT | bits);
}

static struct error *append_other(struct encoding *encoding, enum edit_other other)
{
	struct error *error = append_edit(encoding, EDIT_OTHER);
	encoding->records = true;
	return error ? error : buffer_append_varint(encoding->buffer, other);
}

static struct error *append_record(struct encoding *encoding, enum edit_other other,
				   const struct thread_facts *thread)
{
	struct buffer record = {0};
	struct error *error = append_other(encoding, other);
	if (!error)
		error = record_encode(&record, &snapshot_thread_table, thread);
	if (!error)
		error = buffer_append_varint(encoding->buffer, record.size);
	if (!error)
		error = buffer_append(encoding->buffer, record.data, record.size);
	buffer_deinit(&record);
	return error ? error : keep(encoding, thread);
}

/* What has no edit of its own. */
static bool needs_record(const struct thread_facts *old, const struct thread_facts *now)
{
	return now->container_tid != old->container_tid || now->crashed != old->crashed ||
	       strcmp(now->name, old->name) != 0 || now->cpu_time_ns < old->cpu_time_ns ||
	       !now->registers != !old->registers ||
	       (now->registers && now->registers_size != old->registers_size);
}

static struct error *append_registers(struct encoding *encoding, const struct thread_facts *old,
				      const struct thread_facts *now)
{
	struct buffer patch = {0};
	size_t end;
	struct error *error = snapshot_patch_encode(&patch, old->registers, now->registers,
						    now->registers_size, &end);
	if (!error)
		error = buffer_append_varint(encoding->buffer, patch.size);
	if (!error)
		error = buffer_append(encoding->buffer, patch.data, patch.size);
	buffer_deinit(&patch);
	return error;
}

/* An entry that is still there. */
static struct error *encode_entry(struct encoding *encoding, const struct thread_facts *old,
				  const struct thread_facts *now)
{
	if (needs_record(old, now))
		return append_record(encoding, OTHER_REPLACE, now);
	struct step_situation before = situation_of(old);
	struct step_situation after = situation_of(now);
	uint64_t cpu = (now->cpu_time_ns - old->cpu_time_ns) / STEP_CPU_UNIT_NS;
	bool registers =
		now->registers && memcmp(now->registers, old->registers, now->registers_size) != 0;
	bool cpu_changed = now->cpu_time_ns - old->cpu_time_ns >= CPU_STEP_NS;
	uint64_t bits = (situation_equal(&before, &after) ? 0 : EDIT_SITUATION) |
			(cpu_changed ? EDIT_CPU : 0) | (registers ? EDIT_OTHER : 0);
	struct thread_facts said = *now;
	said.cpu_time_ns = old->cpu_time_ns + (cpu_changed ? cpu * STEP_CPU_UNIT_NS : 0);
	struct error *error = NULL;
	if (bits)
		error = append_edit(encoding, bits);
	else
		encoding->skip++;
	if (!error && bits & EDIT_OTHER)
		error = buffer_append_varint(encoding->buffer, OTHER_REGISTERS);
	if (!error && bits & EDIT_SITUATION)
		error = situation_encode(encoding->buffer, encoding->situations, &after);
	if (!error && bits & EDIT_CPU)
		error = buffer_append_varint(encoding->buffer, cpu);
	if (!error && bits & EDIT_OTHER)
		error = append_registers(encoding, old, now);
	return error ? error : keep(encoding, &said);
}

struct error *step_threads_encode(struct buffer *buffer, struct step_situations *situations,
				  struct thread_list *list, const struct thread_list *now,
				  bool *ret_records)
{
	struct encoding encoding = {.buffer = buffer, .situations = situations};
	struct error *error = NULL;
	size_t at = 0;
	size_t i = 0;
	/* Lists ascend nearly always; where they do not, more is said than needs to be. */
	while (!error && (at < list->count || i < now->count)) {
		const struct thread_facts *old = at < list->count ? &list->items[at] : NULL;
		const struct thread_facts *new = i < now->count ? &now->items[i] : NULL;
		if (old && new && old->tid == new->tid) {
			error = encode_entry(&encoding, old, new);
			at++;
			i++;
		} else if (old && (!new || old->tid < new->tid)) {
			error = append_other(&encoding, OTHER_REMOVE);
			at++;
		} else {
			error = append_record(&encoding, OTHER_INSERT, new);
			i++;
		}
	}
	if (error) {
		thread_list_deinit(&encoding.list);
		return error;
	}
	thread_list_deinit(list);
	*list = encoding.list;
	*ret_records = encoding.records;
	return NULL;
}

struct decoding {
	struct cursor *cursor;
	struct step_situations *situations;
	struct thread_list *list;
	size_t at;
	bool records;
	/* What the list becomes, once an entry was inserted or removed. */
	bool rebuilt;
	struct thread_list fresh;
};

/* Move entries to the list that is made anew, from `from` up to `to`. */
static struct error *move_entries(struct decoding *decoding, size_t from, size_t to)
{
	struct error *error = NULL;
	for (size_t i = from; !error && i < to; i++) {
		struct thread_facts *item = &decoding->list->items[i];
		error = thread_list_append(&decoding->fresh, item);
		if (!error)
			item->registers = NULL;
	}
	return error;
}

static struct error *pass_entries(struct decoding *decoding, size_t count)
{
	size_t from = decoding->at;
	decoding->at += count;
	return decoding->rebuilt ? move_entries(decoding, from, decoding->at) : NULL;
}

static struct error *rebuild(struct decoding *decoding)
{
	if (decoding->rebuilt)
		return NULL;
	decoding->rebuilt = true;
	return move_entries(decoding, 0, decoding->at);
}

static struct error *decode_record(struct decoding *decoding, struct thread_facts *ret)
{
	struct cursor record = cursor_slice(decoding->cursor, cursor_varint(decoding->cursor));
	struct thread_facts thread = {0};
	struct error *error = record_decode(&record, &snapshot_thread_table, &thread);
	if (!error && cursor_ok(decoding->cursor) && cursor_ok(&record)) {
		*ret = thread;
		return NULL;
	}
	decoding->cursor->failed = true;
	record_release(&snapshot_thread_table, &thread);
	return error;
}

static void decode_registers(struct cursor *cursor, struct thread_facts *thread)
{
	struct cursor changes = cursor_slice(cursor, cursor_varint(cursor));
	size_t at = 0;
	while (cursor_left(&changes)) {
		uint64_t skip = cursor_varint(&changes);
		uint64_t count = cursor_varint(&changes);
		if (!thread->registers || skip > thread->registers_size - at ||
		    count > thread->registers_size - at - skip) {
			cursor->failed = true;
			return;
		}
		cursor_copy(&changes, (uint8_t *)thread->registers + at + skip, (size_t)count);
		at += (size_t)(skip + count);
	}
	if (!cursor_ok(&changes))
		cursor->failed = true;
}

static void forget_registers(struct thread_facts *thread)
{
	free(thread->registers);
	thread->registers = NULL;
}

static struct error *decode_remove(struct decoding *decoding)
{
	struct error *error = rebuild(decoding);
	if (!error)
		forget_registers(&decoding->list->items[decoding->at++]);
	return error;
}

static struct error *decode_replace(struct decoding *decoding)
{
	struct thread_facts thread = {0};
	struct error *error = decode_record(decoding, &thread);
	if (error || !cursor_ok(decoding->cursor))
		return error;
	forget_registers(&decoding->list->items[decoding->at]);
	decoding->list->items[decoding->at] = thread;
	return pass_entries(decoding, 1);
}

static struct error *decode_insert(struct decoding *decoding)
{
	struct thread_facts thread = {0};
	struct error *error = decode_record(decoding, &thread);
	if (error || !cursor_ok(decoding->cursor))
		return error;
	error = rebuild(decoding);
	if (!error)
		error = thread_list_append(&decoding->fresh, &thread);
	if (error)
		free(thread.registers);
	return error;
}

/* Changes of the entry that is next. */
static struct error *decode_entry(struct decoding *decoding, uint64_t bits)
{
	struct cursor *cursor = decoding->cursor;
	struct thread_facts *thread = &decoding->list->items[decoding->at];
	if (bits & EDIT_SITUATION)
		situation_decode(cursor, decoding->situations, thread);
	if (bits & EDIT_CPU) {
		uint64_t cpu = cursor_varint(cursor);
		cursor->failed |= cpu > UINT64_MAX / STEP_CPU_UNIT_NS;
		thread->cpu_time_ns += cpu * STEP_CPU_UNIT_NS;
	}
	if (bits & EDIT_OTHER)
		decode_registers(cursor, thread);
	return cursor_ok(cursor) ? pass_entries(decoding, 1) : NULL;
}

static struct error *decode_edit(struct decoding *decoding)
{
	static struct error *(*const others[])(struct decoding *) = {
		[OTHER_REMOVE] = decode_remove,
		[OTHER_INSERT] = decode_insert,
		[OTHER_REPLACE] = decode_replace,
	};
	struct cursor *cursor = decoding->cursor;
	uint64_t edit = cursor_varint(cursor);
	uint64_t skip = edit >> EDIT_SHIFT;
	uint64_t bits = edit & ((1 << EDIT_SHIFT) - 1);
	size_t left = decoding->list->count - decoding->at;
	uint64_t other = bits & EDIT_OTHER ? cursor_varint(cursor) : OTHER_REGISTERS;
	if (!bits || skip > left || other > OTHER_REGISTERS ||
	    (other != OTHER_REGISTERS && bits != EDIT_OTHER) ||
	    (other != OTHER_INSERT && skip == left))
		cursor->failed = true;
	if (!cursor_ok(cursor))
		return NULL;
	decoding->records |= other != OTHER_REGISTERS;
	struct error *error = pass_entries(decoding, (size_t)skip);
	if (error)
		return error;
	return other == OTHER_REGISTERS ? decode_entry(decoding, bits) : others[other](decoding);
}

struct error *step_threads_decode(struct cursor *cursor, struct step_situations *situations,
				  struct thread_list *list, bool *ret_records)
{
	struct decoding decoding = {.cursor = cursor, .situations = situations, .list = list};
	struct error *error = NULL;
	while (!error && cursor_left(cursor))
		error = decode_edit(&decoding);
	*ret_records = decoding.records;
	if (!decoding.rebuilt)
		return error;
	if (!error)
		error = pass_entries(&decoding, list->count - decoding.at);
	thread_list_deinit(list);
	*list = decoding.fresh;
	return error;
}
