/*
 * Runs a command and tells its wall time, its largest resident size and its exit status:
 *
 *     bench-measure RESULT-FILE COMMAND [ARGUMENT...]
 *
 * In C, not in scripts/bench: the kernel counts what was resident before exec(2) too, so a child of
 * a Python process never seems smaller than Python.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: bench-measure RESULT-FILE COMMAND [ARGUMENT...]\n");
		return 2;
	}
	long long start = now_ns();
	pid_t pid = fork();
	if (pid < 0) {
		fprintf(stderr, "bench-measure: fork: %s\n", strerror(errno));
		return 1;
	}
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		fprintf(stderr, "bench-measure: %s: %s\n", argv[2], strerror(errno));
		_exit(127);
	}
	int status;
	struct rusage usage;
	while (wait4(pid, &status, 0, &usage) < 0) {
		if (errno != EINTR)
			return 1;
	}
	long long wall_ns = now_ns() - start;
	FILE *result = fopen(argv[1], "w");
	if (!result) {
		fprintf(stderr, "bench-measure: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	fprintf(result, "{\"wall_ns\": %lld, \"max_rss_bytes\": %lld, \"status\": %d}\n", wall_ns,
		usage.ru_maxrss * 1024LL,
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return fclose(result) == 0 ? 0 : 1;
}
