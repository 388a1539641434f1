#include "analyze/top/top_clock.h"

#define SPEED_MIN (1.0 / 64)
#define SPEED_MAX 1024.0

void top_clock_init(struct top_clock *clock, double speed, uint64_t now_ns)
{
	*clock = (struct top_clock){.speed = speed, .since_ns = now_ns};
}

uint64_t top_clock_position(const struct top_clock *clock, uint64_t now_ns)
{
	if (clock->stopped)
		return clock->position_ns;
	if (clock->speed <= 0)
		return UINT64_MAX;
	return clock->position_ns + (uint64_t)((double)(now_ns - clock->since_ns) * clock->speed);
}

static void settle(struct top_clock *clock, uint64_t now_ns)
{
	if (clock->speed > 0)
		clock->position_ns = top_clock_position(clock, now_ns);
	clock->since_ns = now_ns;
}

void top_clock_stop(struct top_clock *clock, uint64_t now_ns, bool stopped)
{
	settle(clock, now_ns);
	clock->stopped = stopped;
}

void top_clock_seek(struct top_clock *clock, uint64_t now_ns, uint64_t position_ns)
{
	if (clock->speed <= 0)
		clock->speed = 1;
	clock->since_ns = now_ns;
	clock->position_ns = position_ns;
}

void top_clock_change_speed(struct top_clock *clock, uint64_t now_ns, double factor)
{
	settle(clock, now_ns);
	clock->speed = clock->speed > 0 ? clock->speed * factor : 1;
	if (clock->speed < SPEED_MIN)
		clock->speed = SPEED_MIN;
	if (clock->speed > SPEED_MAX)
		clock->speed = SPEED_MAX;
}

uint64_t top_clock_until(const struct top_clock *clock, uint64_t now_ns, uint64_t position_ns)
{
	uint64_t at_ns = top_clock_position(clock, now_ns);
	if (at_ns >= position_ns)
		return 0;
	if (clock->stopped)
		return UINT64_MAX;
	return (uint64_t)((double)(position_ns - at_ns) / clock->speed) + 1;
}
