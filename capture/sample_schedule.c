#include "capture/sample_schedule.h"

void sample_schedule_init(struct sample_schedule *schedule, uint64_t now_ns, uint64_t period_ns,
			  uint64_t seed)
{
	*schedule = (struct sample_schedule){
		.begin_ns = now_ns,
		.period_ns = period_ns,
		.random = seed | 1,
	};
}

/* xorshift64: good enough not to beat, and the same for the same seed. */
static uint64_t draw(struct sample_schedule *schedule)
{
	uint64_t x = schedule->random;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	schedule->random = x;
	return x;
}

uint64_t sample_schedule_next(struct sample_schedule *schedule, uint64_t now_ns)
{
	uint64_t passed = (now_ns - schedule->begin_ns) / schedule->period_ns;
	if (now_ns > schedule->begin_ns && passed > schedule->slot) {
		schedule->late += passed - schedule->slot;
		schedule->slot = passed;
	}
	uint64_t jitter = draw(schedule) % (schedule->period_ns / 2 + 1);
	return schedule->begin_ns + schedule->slot++ * schedule->period_ns + jitter;
}
