/*
 * What a Python object is and what it reaches, read within bounds: its type, its value, and the
 * objects that it holds, as a tree of plain nodes. Capture reads a tree to have the ranges
 *recorded, analysis reads the same tree to render it (analyze/python/object_text.h), so what was
 *captured is what is shown. Nothing is rendered here.
 *
 * Whatever the memory holds, reading a tree ends: no size that the target tells is trusted, depth,
 * items, characters, nodes and bytes are bounded, and what is wrong is marked in its node. A node
 * costs two or three reads, but the first one of each type some more.
 *
 *	struct object_bounds bounds = object_bounds_for_text(128);
 *	object_reader_create(&reader, &objects);       // one for each walk: it remembers types
 *	object_tree_read(objects, address, &bounds, &tree);
 *	... object_tree_root(&tree) ...
 *	object_tree_deinit(&tree);                     // before the reader
 *	object_reader_destroy(objects);
 */
#ifndef PYSPY_COMMON_OBJECT_TREE_H
#define PYSPY_COMMON_OBJECT_TREE_H

#include "common/buffer.h"
#include "common/python_dict.h"

/* What a node's value is. Comments tell its children, in their order, and its `bytes`. */
enum object_kind {
	OBJECT_UNREAD = 0, /* the bounds were spent before it */
	OBJECT_UNREADABLE, /* its memory is not there, see `status` */
	OBJECT_WILD,	   /* readable, but no object: its type is none, or its lengths cannot be */
	OBJECT_NULL,	   /* address 0: a place that is not filled */
	OBJECT_CYCLE,	   /* one of its own ancestors again */
	OBJECT_MENTIONED,  /* only its type and address are told */
	OBJECT_NAME,	   /* no object, but a name; bytes: UTF-8 */

	OBJECT_NONE,
	OBJECT_ELLIPSIS,
	OBJECT_NOT_IMPLEMENTED,
	OBJECT_BOOL,	  /* integer */
	OBJECT_INT,	  /* bytes: 32-bit words of `width` bits each, least significant first */
	OBJECT_PLAIN_INT, /* integer: int of 2.x */
	OBJECT_FLOAT,	  /* real[0] */
	OBJECT_COMPLEX,	  /* real[0], real[1] */
	OBJECT_STR,	  /* bytes: characters of `width` bytes each */
	OBJECT_BYTES,	  /* bytes */
	OBJECT_BYTEARRAY,
	OBJECT_TUPLE,	   /* items */
	OBJECT_NAMEDTUPLE, /* pairs of a name and an item; bytes: as of a tuple, none */
	OBJECT_LIST,
	OBJECT_SET,
	OBJECT_FROZENSET,
	OBJECT_DEQUE,	     /* items; `limit` is maxlen, or -1 */
	OBJECT_DICT,	     /* pairs of a key and a value */
	OBJECT_DEFAULT_DICT, /* the default factory, then pairs */
	OBJECT_ORDERED_DICT,
	OBJECT_COUNTER,
	OBJECT_MAPPING_PROXY, /* the mapping */
	OBJECT_RANGE,	      /* start, stop, step */
	OBJECT_SLICE,	      /* start, stop, step */
	OBJECT_TYPE,	      /* `named` is the type that it is */
	OBJECT_FUNCTION,      /* bytes: its name, UTF-8 */
	OBJECT_METHOD,	      /* self; bytes: the function's name, UTF-8 */
	OBJECT_BUILTIN, /* self, if it has one that is no module, mentioned; bytes: the name, UTF-8
			 */
	OBJECT_MODULE,	/* name; then __spec__'s origin, if it tells one; `integer`: whether it is a
			   file's */
	OBJECT_CODE,	/* name, file name; integer: the line */
	OBJECT_GENERATOR, /* bytes: its name, UTF-8 */
	OBJECT_COROUTINE,
	OBJECT_ASYNC_GENERATOR,
	OBJECT_CELL,	  /* the contents, if there are any */
	OBJECT_EXCEPTION, /* items of args */
	OBJECT_ENUM,	  /* _name_, _value_ */
	OBJECT_DATACLASS, /* pairs of a name and a value: the fields, in their order */
	OBJECT_INSTANCE,  /* pairs of a name and a value: its attributes */
	OBJECT_DATE,	  /* fields: year, month, day */
	OBJECT_DATETIME,  /* fields: ..., hour, minute, second, microsecond, fold; the time zone, if
			     it  has one */
	OBJECT_TIME,	  /* fields: hour, minute, second, microsecond, fold; the time zone */
	OBJECT_TIMEDELTA, /* fields: days, seconds, microseconds */
	OBJECT_TIMEZONE,  /* the offset; the name, if it has one */
	OBJECT_NUMPY_NUMBER, /* real[0] or integer, by `width`: 'f', 'i', 'u' or 'b' */
	OBJECT_NUMPY_ARRAY,  /* fields: the shape; bytes: the name of the element's type */
};

/* __slots__ of a class. */
struct object_slot {
	char *name; /* UTF-8 */
	uint32_t offset;
};

struct object_slots {
	struct object_slot *items;
	size_t count;
};

/* What a type says of its instances. Read once by a reader. */
struct object_type {
	uint64_t address;
	enum memory_status status; /* of its memory */
	bool valid;		   /* it is a type that can be believed */
	bool is_heap;		   /* made at run time: a class statement, not a static structure */
	bool has_own_repr;	   /* its repr() is not that of its builtin base: Python code */
	enum object_kind kind;	   /* of instances; OBJECT_INSTANCE for those of classes */
	uint64_t flags;		   /* tp_flags */
	uint64_t basic_size;	   /* tp_basicsize */
	uint64_t repr;		   /* tp_repr */
	uint64_t dictionary;	   /* tp_dict */
	uint64_t fields; /* of named tuples and data classes: the object that tells them */
	const struct object_type *base; /* NULL for object */
	const struct object_type *metatype;
	char *module; /* UTF-8; NULL: builtins, or not known */
	char *name;   /* UTF-8: the qualified name in the module, never NULL of a valid one */
	struct object_slots slots;
	bool slots_are_read;
};

/* Bytes of the tree's buffer. */
struct object_bytes {
	uint32_t offset;
	uint32_t size;
};

enum { OBJECT_FIELDS = 8 };

struct object_node {
	uint64_t address;
	const struct object_type *type; /* borrowed from the reader; NULL if it could not be read */
	enum object_kind kind;
	enum memory_status status; /* of OBJECT_UNREADABLE */
	bool cut;		   /* there is more of it: `length` tells how much in all */
	bool missing;		   /* a part that belongs to the value could not be read */
	bool negative;		   /* of ints */
	uint8_t width;		   /* see object_kind */
	uint32_t next;		   /* number of the next child of its parent; 0: none */
	uint32_t first_child;	   /* 0: none */
	uint32_t last_child;
	uint32_t child_count;
	uint64_t length; /* as the target has it: characters, bytes, items, digits, pairs */
	struct object_bytes bytes;
	union {
		int64_t integer;
		double real[2];
		int64_t fields[OBJECT_FIELDS];
		int64_t limit;
		const struct object_type *named;
	};
};

/* An all-zero struct is an empty tree. Node 0 is the root. */
struct object_tree {
	struct object_node *nodes;
	size_t count;
	size_t capacity;
	struct buffer bytes;
	uint8_t python_major; /* some things are written in other ways by other versions */
	uint8_t python_minor;
};

struct object_bounds {
	uint32_t max_depth;	 /* objects in each other; at most OBJECT_MAX_DEPTH */
	uint32_t max_items;	 /* of one container: items, pairs, attributes */
	uint32_t max_characters; /* of one str or bytes */
	uint32_t max_digits;	 /* of one int, 15 or 30 bits each */
	uint32_t max_nodes;	 /* of one tree */
	uint32_t max_bytes;	 /* of one tree's characters and digits */
};

enum { OBJECT_MAX_DEPTH = 32 };

/* Enough for a text of that many characters (object_text_options.max_characters), and not much
 * more. */
struct object_bounds object_bounds_for_text(size_t max_characters);

/* Reads trees, and remembers types. */
struct object_reader;
/* What `reader` points to is borrowed, and must live as long. */
struct error *object_reader_create(const struct python_reader *reader, struct object_reader **ret);
void object_reader_destroy(struct object_reader *objects);
void object_reader_destroyp(struct object_reader **objects);

/*
 * Read the object at `address`. Only running out of memory is an error: what is wrong with the
 * target's memory is told by the nodes. `tree` is emptied before, and keeps its allocation, so one
 * tree may serve for many objects.
 */
struct error *object_tree_read(struct object_reader *objects, uint64_t address,
			       const struct object_bounds *bounds, struct object_tree *tree);
void object_tree_deinit(struct object_tree *tree);

static inline const struct object_node *object_tree_root(const struct object_tree *tree)
{
	return tree->count ? &tree->nodes[0] : NULL;
}

/* The children in their order: NULL at the end. */
static inline const struct object_node *object_tree_child(const struct object_tree *tree,
							  const struct object_node *node)
{
	return node->first_child ? &tree->nodes[node->first_child] : NULL;
}

static inline const struct object_node *object_tree_next(const struct object_tree *tree,
							 const struct object_node *node)
{
	return node->next ? &tree->nodes[node->next] : NULL;
}

static inline const uint8_t *object_node_bytes(const struct object_tree *tree,
					       const struct object_node *node)
{
	return node->bytes.size ? tree->bytes.data + node->bytes.offset : (const uint8_t *)"";
}

#endif
