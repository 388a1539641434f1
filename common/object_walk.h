/*
 * What the readers of the kinds of objects share (object_tree.c, object_type.c and object_*.c of
 * each family). For those files only.
 *
 * To add a kind: an enumerator in object_tree.h, a reader in its family's file, a row in
 * object_kinds.c, a row in analyze/python/object_text.c, and its values in
 * tests/e2e/targets/objects.py.
 */
#ifndef PYSPY_COMMON_OBJECT_WALK_H
#define PYSPY_COMMON_OBJECT_WALK_H

#include "common/address_map.h"
#include "common/object_tree.h"
#include "common/struct_view.h"

enum {
	OBJECT_WORD = sizeof(uint64_t),
	/* Items that are read at once. */
	OBJECT_BATCH = 32,
};

struct object_reader {
	struct python_reader reader;
	struct address_map types; /* values are struct object_type, owned */
	unsigned chain;		  /* types whose relatives are being read */
};

/* The reading of one tree. */
struct object_walk {
	struct object_reader *objects;
	const struct python_layout *layout;
	struct memory *memory; /* what is read here is kept */
	const struct object_bounds *bounds;
	struct object_tree *tree;
	uint32_t depth; /* 1 while the root's children are read */
	uint32_t ancestors[OBJECT_MAX_DEPTH + 2];
	uint64_t characters; /* at least so many has the text of what was read */
	bool in_instance;    /* the attributes of an instance are being read */
};

/* Read the value of node number `node`, whose type is known. */
typedef struct error *object_read_function(struct object_walk *walk, uint32_t node);

/* The reader of a kind; NULL if there is nothing to be read. */
object_read_function *object_kind_reader(enum object_kind kind);

/* The kind of instances of a type that is made in C, by its tp_name (with the module in front, but
 * for builtins); OBJECT_INSTANCE if it is not known. */
enum object_kind object_kind_of_name(const char *name);
/* The kind by the flags of subclasses of some builtin types; OBJECT_INSTANCE if it has none. */
enum object_kind object_kind_of_flags(uint64_t flags);

/* Text that ends in a NUL, at most 255 bytes; `ret` is owned by the caller, NULL if it is no text.
 */
enum memory_status object_c_string_read(struct memory *memory, uint64_t address, char **ret)
	__attribute__((warn_unused_result));

/* The type at `address`, from the cache if it was read before; never NULL, but maybe not valid. */
struct error *object_type_get(struct object_reader *objects, uint64_t address,
			      const struct object_type **ret);

static inline struct object_node *object_node_at(const struct object_walk *walk, uint32_t node)
{
	return &walk->tree->nodes[node];
}

/* Whether the node that is being read may have `count` more children. */
static inline bool object_walk_has_room(const struct object_walk *walk, size_t count)
{
	return walk->tree->count + count <= walk->bounds->max_nodes &&
	       walk->depth <= walk->bounds->max_depth &&
	       walk->characters <= walk->bounds->max_characters;
}

/* Read the object at `address` as one more child of `parent`. */
struct error *object_walk_child(struct object_walk *walk, uint32_t parent, uint64_t address);

/* The same without its value, as OBJECT_MENTIONED. */
struct error *object_walk_mention(struct object_walk *walk, uint32_t parent, uint64_t address);
/* A child that is no object, but a name: OBJECT_NAME. */
struct error *object_walk_name(struct object_walk *walk, uint32_t parent, const char *utf8);
/* A child that the bounds have no room for: OBJECT_UNREAD. */
struct error *object_walk_unread(struct object_walk *walk, uint32_t parent);

/* The second of a pair, whose first has been added: there in any case. */
struct error *object_walk_value(struct object_walk *walk, uint32_t parent, uint64_t value);
/* Both; `ret_added` is false where the bounds have no room for them. */
struct error *object_walk_pair(struct object_walk *walk, uint32_t parent, uint64_t key,
			       uint64_t value, bool *ret_added);
/* The entries of a dict as pairs of children: key, value. */
struct error *object_walk_pairs(struct object_walk *walk, uint32_t node,
				const struct raw_dict *dict);

/* The objects at `count` pointers, from `array` on, as children of `parent`, which is marked as cut
 * where the bounds end. */
struct error *object_walk_items(struct object_walk *walk, uint32_t parent, uint64_t array,
				uint64_t count);

/* `count` of them and no limit but the room. */
struct error *object_walk_array(struct object_walk *walk, uint32_t parent, uint64_t array,
				uint64_t count);

/* Up to `max` items that are told to be `length`; marks the node. */
uint64_t object_walk_limit(struct object_walk *walk, uint32_t node, uint64_t length, uint64_t max);

/* Keep `size` bytes of the target as the node's bytes; where they are not there it becomes
 * unreadable. */
struct error *object_walk_bytes(struct object_walk *walk, uint32_t node, uint64_t address,
				uint64_t size);

/* Keep the characters of the str at `address` as the node's bytes, UTF-8. */
struct error *object_walk_keep_name(struct object_walk *walk, uint32_t node, uint64_t address);

/* Keep bytes that were read already. */
struct error *object_walk_keep(struct object_walk *walk, uint32_t node, const void *bytes,
			       size_t size);

/* The node is not what it was taken for. */
void object_walk_fail(struct object_walk *walk, uint32_t node, enum memory_status status);
void object_walk_wild(struct object_walk *walk, uint32_t node);

/* One or more fields of the node's object; false if they are not there, the node is then marked. */
bool object_walk_view(struct object_walk *walk, uint32_t node, struct struct_span span,
		      struct struct_view *ret);
bool object_walk_pointer(struct object_walk *walk, uint32_t node, layout_offset offset,
			 uint64_t *ret);

/* The characters of a str as UTF-8, at most OBJECT_NAME_CHARACTERS; "" if it cannot be read. Owned
 * by the caller. */
enum { OBJECT_NAME_CHARACTERS = 256 };
struct error *object_name_read(const struct python_reader *reader, uint64_t address, char **ret);

/* What was __slots__ in a class: the names and where the values are in an instance. Of the type
 * itself, not of its bases; read at first use. */
struct error *object_type_slots(struct object_reader *objects, const struct object_type *type,
				const struct object_slots **ret);

/* An attribute of the object at `address`, by an ASCII name. */
bool object_attribute(struct object_walk *walk, uint64_t address, const char *name, uint64_t *ret);

/* object_number.c */
object_read_function object_read_bool, object_read_int, object_read_float, object_read_complex;
/* object_string.c */
object_read_function object_read_str, object_read_bytes, object_read_bytearray;
/* object_container.c */
object_read_function object_read_tuple, object_read_list, object_read_dict;
object_read_function object_read_default_dict, object_read_mapping_proxy;
/* object_collection.c */
object_read_function object_read_set, object_read_deque, object_read_range, object_read_slice;
/* object_callable.c */
object_read_function object_read_type, object_read_function_object, object_read_method;
object_read_function object_read_builtin, object_read_module, object_read_code;
object_read_function object_read_generator, object_read_cell;
/* object_instance.c */
object_read_function object_read_instance, object_read_exception, object_read_enum;
object_read_function object_read_dataclass, object_read_namedtuple;
/* object_datetime.c */
object_read_function object_read_date, object_read_datetime, object_read_time;
object_read_function object_read_timedelta, object_read_timezone;
/* object_numpy.c */
object_read_function object_read_numpy_number, object_read_numpy_array;

#endif
