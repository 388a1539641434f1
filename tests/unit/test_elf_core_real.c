/* A core that the kernel wrote of a child of this test, if it writes cores here. */
#include "tests/unit/cmocka_headers.h"

#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "formats/elf_core.h"
#include "tests/unit/elf_builder.h"

static int known_value = 0x12345678;

/* Why the kernel would not write a core here, or NULL. */
static const char *no_core_reason(void)
{
	size_t size;
	char *pattern = read_file("/proc/sys/kernel/core_pattern", &size);
	bool plain = size == 5 && memcmp(pattern, "core\n", 5) == 0;
	free(pattern);
	struct rlimit limit;
	if (!plain)
		return "kernel.core_pattern is not \"core\"";
	if (getrlimit(RLIMIT_CORE, &limit) || limit.rlim_max < 64 << 20)
		return "RLIMIT_CORE is too low";
	return NULL;
}

static void die_in(const char *folder)
{
	struct rlimit limit;
	getrlimit(RLIMIT_CORE, &limit);
	limit.rlim_cur = limit.rlim_max;
	if (chdir(folder) || setrlimit(RLIMIT_CORE, &limit) || prctl(PR_SET_DUMPABLE, 1) ||
	    prctl(PR_SET_NAME, "dying"))
		_exit(1);
	signal(SIGABRT, SIG_DFL);
	kill(getpid(), SIGABRT);
	_exit(1);
}

static int real_core(pid_t *ret_pid)
{
	char folder[] = "/tmp/pyspy-test-XXXXXX";
	char path[64];
	int status;
	assert_non_null(mkdtemp(folder));
	pid_t pid = fork();
	if (!pid)
		die_in(folder);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* kernel.core_uses_pid */
	snprintf(path, sizeof(path), "%s/core", folder);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	unlink(path);
	snprintf(path, sizeof(path), "%s/core.%d", folder, (int)pid);
	if (fd < 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	unlink(path);
	rmdir(folder);
	*ret_pid = pid;
	return fd;
}

static int compare_loaded(struct dl_phdr_info *info, size_t size, void *data)
{
	const struct modules *modules = data;
	(void)size;
	if (!info->dlpi_phnum || info->dlpi_phdr[0].p_type == PT_NULL)
		return 0;
	const struct module *module = modules_find(modules, (uint64_t)(uintptr_t)info->dlpi_phdr);
	assert_non_null(module);
	assert_true(module->bias == info->dlpi_addr);
	return 0;
}

static void test_real_core(void **state)
{
	(void)state;
	const char *reason = no_core_reason();
	if (reason) {
		print_message("skipped: %s\n", reason);
		skip();
	}
	pid_t pid;
	int fd = real_core(&pid);
	if (fd < 0) {
		print_message("skipped: the kernel wrote no core\n");
		skip();
	}
	struct elf_core *core;
	assert_true(elf_core_recognize(fd));
	assert_null(elf_core_open(fd, "core", &core));
	close(fd);
	const struct process_facts *process = elf_core_process(core);
	assert_int_equal(process->pid, pid);
	assert_int_equal(process->parent_pid, getpid());
	assert_int_equal(process->signal, SIGABRT);
	assert_int_equal(process->sender_pid, pid);
	assert_string_equal(process->command_name, "dying");
	assert_int_equal(elf_core_threads(core)->count, 1);
	uint32_t value = 0;
	assert_int_equal(
		memory_read_u32(elf_core_memory(core), (uint64_t)(uintptr_t)&known_value, &value),
		MEMORY_OK);
	assert_int_equal(value, known_value);
	/* This process and its child had the same files at the same places. */
	struct modules modules;
	assert_null(
		modules_from_mappings(elf_core_mappings(core), elf_core_memory(core), &modules));
	dl_iterate_phdr(compare_loaded, &modules);
	const struct module *program = modules_find(&modules, (uint64_t)(uintptr_t)&known_value);
	assert_non_null(program);
	assert_string_equal(program->path, process->executable);
	modules_deinit(&modules);
	elf_core_destroy(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_core),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
