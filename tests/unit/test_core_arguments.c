/* The command line of a core, from the stack that the kernel made at exec. */
#include "tests/unit/cmocka_headers.h"

#include <string.h>

#include "tests/unit/built_core.h"

#define STACK UINT64_C(0x7ffd00000000)

enum {
	STACK_SIZE = 0x4000,
	NOTES = 0x200,
	SEGMENT = 0x1000,
	ARGC_AT = 0x1000,    /* in the stack */
	STRINGS_AT = 0x3000, /* likewise */
	ARGUMENTS = 3,
};

static const char prefix[] = "python3 -c";

struct stack {
	uint8_t bytes[STACK_SIZE];
	uint64_t auxv[6];
	const char *note_arguments; /* what NT_PRPSINFO has */
};

static void put_word(struct stack *stack, size_t offset, uint64_t value)
{
	memcpy(stack->bytes + offset, &value, sizeof(value));
}

/* argc, argv, NULL, envp, NULL, the vector, AT_RANDOM, strings. */
static void make_stack(struct stack *stack)
{
	static const char strings[] = "python3\0-c\0a long  text\0SECRET=1\0HOME=/x";
	static const size_t offsets[] = {0, 8, 11, 24, 33};
	*stack = (struct stack){.note_arguments = prefix};
	size_t at = ARGC_AT;
	put_word(stack, at, ARGUMENTS);
	for (size_t i = 0; i < 5; i++) {
		at += i == ARGUMENTS ? 16 : 8;
		put_word(stack, at, STACK + STRINGS_AT + offsets[i]);
	}
	at += 16;
	const uint64_t auxv[] = {AT_PAGESZ, 4096, AT_RANDOM, STACK + at + 48 + 8, AT_NULL, 0};
	memcpy(stack->auxv, auxv, sizeof(auxv));
	memcpy(stack->bytes + at, auxv, sizeof(auxv));
	memcpy(stack->bytes + STRINGS_AT, strings, sizeof(strings));
}

static char *command_line(const struct stack *stack)
{
	uint8_t process[136] = {0};
	struct elf_builder builder = elf_builder_start(ET_CORE, EM_X86_64);
	elf_builder_pad(&builder, NOTES);
	snprintf((char *)process + 56, 80, "%s", stack->note_arguments);
	elf_builder_note(&builder, "CORE", NT_PRPSINFO, process, sizeof(process));
	elf_builder_note(&builder, "CORE", NT_AUXV, stack->auxv, sizeof(stack->auxv));
	size_t notes_size = builder.bytes.size - NOTES;
	elf_builder_pad(&builder, SEGMENT);
	elf_builder_append(&builder, stack->bytes, STACK_SIZE);
	elf_builder_segment(&builder, PT_NOTE, 0, NOTES, 0, notes_size, 0);
	elf_builder_segment(&builder, PT_LOAD, PF_R | PF_W, SEGMENT, STACK, STACK_SIZE, STACK_SIZE);
	elf_builder_write_headers(&builder);
	struct elf_core *core = built_core_must_open(&builder);
	char *line = strdup(elf_core_process(core)->command_line);
	elf_core_destroy(core);
	elf_builder_deinit(&builder);
	return line;
}

static void assert_line(const struct stack *stack, const char *expected)
{
	char *line = command_line(stack);
	assert_string_equal(line, expected);
	free(line);
}

static void test_whole(void **state)
{
	(void)state;
	struct stack stack;
	make_stack(&stack);
	assert_line(&stack, "python3 -c a long  text");
}

/* unsetenv(3) moves the pointers behind it down. */
static void test_variables_taken_away(void **state)
{
	(void)state;
	struct stack stack;
	make_stack(&stack);
	size_t variables = ARGC_AT + 8 * (ARGUMENTS + 2);
	put_word(&stack, variables, STACK + STRINGS_AT + 33);
	put_word(&stack, variables + 8, 0);
	assert_line(&stack, "python3 -c a long  text");
	put_word(&stack, variables, 0);
	assert_line(&stack, "python3 -c a long  text");
}

/* A title that a program wrote over its arguments: up to where it ends. */
static void test_title(void **state)
{
	(void)state;
	static const char title[] = "worker 7: serving the queue";
	struct stack stack;
	make_stack(&stack);
	stack.note_arguments = "worker 7: se";
	memcpy(stack.bytes + STRINGS_AT, title, sizeof(title));
	assert_line(&stack, title);
	/* A shorter one: what it covers is filled with NULs. */
	memset(stack.bytes + STRINGS_AT + 14, 0, 20);
	assert_line(&stack, "worker 7: serv");
}

static void test_not_the_same(void **state)
{
	(void)state;
	struct stack stack;
	make_stack(&stack);
	stack.note_arguments = "perl -e";
	assert_line(&stack, "perl -e");
}

static void test_nonsense(void **state)
{
	(void)state;
	struct stack stack;
	static const uint64_t counts[] = {0, 2, 4, 1000, UINT64_MAX};
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		make_stack(&stack);
		put_word(&stack, ARGC_AT, counts[i]);
		assert_line(&stack, prefix);
	}
	static const uint64_t firsts[] = {0x1000, STACK + STACK_SIZE - 4, UINT64_MAX - 8};
	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		make_stack(&stack);
		put_word(&stack, ARGC_AT + 8, firsts[i]);
		assert_line(&stack, prefix);
	}
	/* An end that is not there. */
	make_stack(&stack);
	put_word(&stack, ARGC_AT + 8 * ARGUMENTS, STACK + STACK_SIZE + 0x100000);
	assert_line(&stack, prefix);
	/* AT_RANDOM at the very ends of the address space. */
	static const uint64_t randoms[] = {0, 8, UINT64_MAX, STACK, STACK + STACK_SIZE};
	for (size_t i = 0; i < sizeof(randoms) / sizeof(randoms[0]); i++) {
		make_stack(&stack);
		stack.auxv[3] = randoms[i];
		assert_line(&stack, prefix);
	}
	/* Nothing but pointers, down to where the stack ends. */
	make_stack(&stack);
	for (size_t at = 0; at < ARGC_AT + 8 * (ARGUMENTS + 4); at += 8)
		put_word(&stack, at, STACK + STRINGS_AT);
	assert_line(&stack, prefix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),	 cmocka_unit_test(test_variables_taken_away),
		cmocka_unit_test(test_title),	 cmocka_unit_test(test_not_the_same),
		cmocka_unit_test(test_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
