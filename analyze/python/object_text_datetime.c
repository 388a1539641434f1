/* Dates and times as repr() writes them (Modules/_datetimemodule.c). */
#include <inttypes.h>

#include "analyze/python/object_text_parts.h"

/* How many numbers are written in any case, how many there are, and then fold. */
static const struct date_kind {
	uint8_t least;
	uint8_t count;
	bool has_fold;
} date_kinds[] = {
	[OBJECT_DATE] = {.least = 3, .count = 3},
	[OBJECT_DATETIME] = {.least = 5, .count = 7, .has_fold = true},
	[OBJECT_TIME] = {.least = 2, .count = 4, .has_fold = true},
};

/* Trailing zeros, of seconds and microseconds, are left out. */
void text_date(struct text_builder *text, const struct object_node *node, size_t limit)
{
	const struct date_kind *kind = &date_kinds[node->kind];
	const struct object_node *zone = object_tree_child(text->tree, node);
	uint8_t count = kind->count;
	(void)limit;
	while (count > kind->least && !node->fields[count - 1])
		count--;
	text_c_name(text, node->type);
	text_append(text, "(");
	for (uint8_t i = 0; i < count; i++)
		text_format(text, "%s%" PRId64, i ? ", " : "", node->fields[i]);
	if (kind->has_fold && node->fields[kind->count])
		text_format(text, ", fold=%" PRId64, node->fields[kind->count]);
	if (zone) {
		text_append(text, ", tzinfo=");
		text_node(text, zone, SIZE_MAX);
	}
	text_append(text, ")");
}

void text_timedelta(struct text_builder *text, const struct object_node *node, size_t limit)
{
	static const char *const names[] = {"days", "seconds", "microseconds"};
	const char *comma = "";
	bool is_old = text->tree->python_major < 3 || text->tree->python_minor < 7;
	int count = 3;
	(void)limit;
	text_c_name(text, node->type);
	text_append(text, "(");
	/* By position, without zeros at the end, before 3.7. */
	while (is_old && count > 1 && !node->fields[count - 1])
		count--;
	for (int i = 0; i < count; i++) {
		if (!is_old && !node->fields[i])
			continue;
		text_format(text, "%s%s%s%" PRId64, comma, is_old ? "" : names[i],
			    is_old ? "" : "=", node->fields[i]);
		comma = ", ";
	}
	if (!*comma)
		text_append(text, "0");
	text_append(text, ")");
}

void text_timezone(struct text_builder *text, const struct object_node *node, size_t limit)
{
	const struct object_node *offset = object_tree_child(text->tree, node);
	const struct object_node *name = offset ? object_tree_next(text->tree, offset) : NULL;
	(void)limit;
	text_append(text, "datetime.timezone");
	if (offset && !name && offset->kind == OBJECT_TIMEDELTA && !offset->fields[0] &&
	    !offset->fields[1] && !offset->fields[2]) {
		text_append(text, ".utc");
		return;
	}
	text_append(text, "(");
	if (offset)
		text_node(text, offset, SIZE_MAX);
	if (name) {
		text_append(text, ", ");
		text_node(text, name, SIZE_MAX);
	}
	text_append(text, ")");
}
