// C++ that calls back, for test_native.py: names to be demangled, and a function that only the stack
// pointer can unwind (-fomit-frame-pointer is the default) next to one that has a frame pointer.
#include <algorithm>
#include <functional>
#include <vector>

typedef void (*callback)();

namespace pyspy_test {

class Worker {
public:
	virtual ~Worker() {}
	virtual void work(callback call, int times) {
		for (int i = 0; i < times; i++)
			call();
		done_ = times;
	}

private:
	int done_ = 0;
};

template <typename T> T apply(T value, callback call) {
	call();
	return value + 1;
}

} // namespace pyspy_test

extern "C" __attribute__((noinline)) int call_in_class(callback call) {
	pyspy_test::Worker worker;
	pyspy_test::Worker *volatile one = &worker;
	one->work(call, 2);
	return 1;
}

extern "C" __attribute__((noinline)) int call_in_lambda(callback call) {
	std::vector<int> items = {3, 2, 1};
	std::function<bool(int, int)> less = [call](int a, int b) {
		call();
		return a < b;
	};
	std::sort(items.begin(), items.end(), less);
	return items[0];
}

extern "C" __attribute__((noinline)) int call_in_template(callback call) {
	return pyspy_test::apply<long>(1, call) == 2 && pyspy_test::apply<double>(1, call) > 0;
}

extern "C" __attribute__((noinline)) int call_without_frame(callback call) {
	volatile int room[1000];
	room[0] = 1;
	call();
	return room[0];
}

// What goes wrong, for test_native_bad_input.py.

#include <csignal>
#include <cstdlib>
#include <ctime>

extern "C" __attribute__((noinline)) void smash_stack() {
	// What the functions just outside of this one have on the stack, and its own return address; but not
	// what the interpreter has there (3.11 and 3.12 keep a pointer to the newest frame in it).
	volatile char room[64];
	volatile char *volatile begin = room;
	for (int i = 0; i < 512; i++)
		begin[i] = 0x41;
	abort();
}

extern "C" __attribute__((noinline)) long overflow_stack(long depth) {
	volatile char room[16];
	room[0] = static_cast<char>(depth);
	return depth < 0 ? depth : overflow_stack(depth + 1) + room[0];
}

extern "C" __attribute__((noinline)) void call_nothing() {
	void (*volatile nothing)() = nullptr;
	nothing();
}

extern "C" __attribute__((noinline)) void jump_to_data() {
	static char data[16];
	void (*volatile wrong)() = reinterpret_cast<void (*)()>(data);
	wrong();
}

static void abort_in_handler(int) {
	abort();
}

extern "C" __attribute__((noinline)) void abort_in_signal() {
	signal(SIGUSR2, abort_in_handler);
	raise(SIGUSR2);
}

extern "C" __attribute__((noinline)) void abort_on_other_stack() {
	stack_t stack = {};
	struct sigaction action = {};
	stack.ss_size = 65536;
	stack.ss_sp = malloc(stack.ss_size);
	action.sa_handler = abort_in_handler;
	action.sa_flags = SA_ONSTACK;
	sigaltstack(&stack, nullptr);
	sigaction(SIGUSR2, &action, nullptr);
	raise(SIGUSR2);
}

// The clock is read in the vDSO.
extern "C" void read_clock() {
	struct timespec now;
	for (;;)
		clock_gettime(CLOCK_MONOTONIC, &now);
}
