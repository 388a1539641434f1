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
