/*
 * The whole command line of a core's process: NT_PRPSINFO has 79 bytes of it, the rest is on the
 * stack where the kernel put it (fs/binfmt_elf.c, create_elf_tables). From low to high: argc, argv
 * and a NULL, envp and a NULL, the auxiliary vector, the 16 bytes of AT_RANDOM, and further up the
 * strings. The note has the same vector byte for byte, and so it is found again.
 */
#include <string.h>

#include "common/buffer.h"
#include "common/cleanup.h"
#include "formats/elf_core_parts.h"

enum {
	WORD = 8,
	VECTOR_MAX = 1024,
	/* Between the vector and AT_RANDOM the kernel aligns to 16 bytes; emulators leave more. */
	GAP_MAX = 512,
	/* Pointers to arguments and variables; the kernel's bound on a stack of 8 MiB. */
	POINTERS_MAX = 1 << 18,
	ARGUMENTS_MAX = 64 << 10, /* bytes of the text */
};

/* The words below an address, one after the other downwards; read in blocks. */
struct downwards {
	struct memory *memory;
	uint64_t address; /* of the word that was given last */
	uint8_t block[1024];
	size_t left; /* bytes at the start of the block that were not given yet */
};

static bool next_below(struct downwards *words, uint64_t *ret)
{
	if (!words->left) {
		if (words->address < sizeof(words->block))
			return false;
		uint64_t start = words->address - sizeof(words->block);
		if (memory_read(words->memory, start, words->block, sizeof(words->block)) !=
		    MEMORY_OK)
			return false;
		words->left = sizeof(words->block);
	}
	words->left -= WORD;
	words->address -= WORD;
	return bytes_field(words->block, sizeof(words->block), words->left, WORD, ret);
}

/* Where the auxiliary vector is in memory; 0 if it is not found. */
static uint64_t find_vector(struct elf_core *core, uint64_t random)
{
	uint8_t window[VECTOR_MAX + GAP_MAX];
	size_t size = core->auxv.size;
	if (!size || size > VECTOR_MAX || random < sizeof(window))
		return 0;
	size_t length = size + GAP_MAX;
	uint64_t start = (random & ~(uint64_t)(WORD - 1)) - length;
	if (memory_read(&core->memory, start, window, length) != MEMORY_OK)
		return 0;
	for (size_t offset = length - size;; offset -= WORD) {
		if (memcmp(window + offset, core->auxv.data, size) == 0)
			return start + offset;
		if (offset < WORD)
			return 0;
	}
}

/*
 * Below the vector: the first number that is as large as the count of pointers between it and the
 * NULL above is argc. unsetenv(3) leaves more than one NULL behind the variables. Gives the first
 * and the last pointer to an argument.
 */
static bool find_arguments(struct elf_core *core, uint64_t vector, uint64_t *ret_first,
			   uint64_t *ret_last)
{
	struct downwards words = {.memory = &core->memory, .address = vector};
	uint64_t count = 0;
	uint64_t first = 0;
	uint64_t last = 0;
	for (size_t i = 0; i < POINTERS_MAX; i++) {
		uint64_t word;
		if (!next_below(&words, &word))
			return false;
		if (count && word == count) {
			*ret_first = first;
			*ret_last = last;
			return first <= last;
		}
		if (word && word < POINTERS_MAX)
			return false;
		if (!word) {
			count = 0;
			continue;
		}
		if (!count)
			last = word;
		first = word;
		count++;
	}
	return false;
}

/* From the first argument to the end of the last one, as /proc/PID/cmdline has it, but with blanks
 * for the NULs, as the note. */
static struct error *read_arguments(struct elf_core *core, uint64_t first, uint64_t last,
				    struct buffer *text)
{
	uint8_t block[64];
	struct error *error = NULL;
	bool ended = false;
	while (!error && !ended && text->size < ARGUMENTS_MAX) {
		uint64_t address = first + text->size;
		/* Not beyond a page: the next one need not be there. */
		size_t size = sizeof(block) - address % sizeof(block);
		if (memory_read(&core->memory, address, block, size) != MEMORY_OK)
			return NULL;
		size_t used = 0;
		while (used < size && !ended) {
			ended = !block[used] && address + used >= last;
			used++;
		}
		error = buffer_append(text, block, used);
	}
	for (size_t i = 0; i < text->size; i++)
		text->data[i] = text->data[i] ? text->data[i] : ' ';
	while (text->size && text->data[text->size - 1] == ' ')
		text->size--;
	return error;
}

static void cleanup_buffer(struct buffer *buffer)
{
	buffer_deinit(buffer);
}

struct error *core_find_command_line(struct elf_core *core)
{
	CLEANUP(cleanup_buffer) struct buffer text = {0};
	const char *known = core->process.command_line;
	uint64_t random;
	uint64_t first;
	uint64_t last;
	if (!known || !elf_core_auxv(core, AT_RANDOM, &random))
		return NULL;
	uint64_t vector = find_vector(core, random);
	if (!vector || !find_arguments(core, vector, &first, &last) || first < vector)
		return NULL;
	struct error *error = read_arguments(core, first, last, &text);
	size_t size = strlen(known);
	/* Both are of the same bytes: what does not begin alike is something else. */
	if (error || text.size <= size || memcmp(text.data, known, size) != 0)
		return error;
	char *line = strndup((const char *)text.data, text.size);
	if (!line)
		return &error_out_of_memory;
	free(core->process.command_line);
	core->process.command_line = line;
	return NULL;
}
