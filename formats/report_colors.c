#include "formats/report_colors.h"

#include <stdio.h>
#include <string.h>

/* Hues in degrees, saturation and lightness in per cent. */
struct palette {
	unsigned hue;
	unsigned hue_range;
	unsigned saturation;
	unsigned lightness;
};

static const struct palette palettes[] = {
	[PROFILE_FRAME_PYTHON] = {10, 45, 85, 66},   [PROFILE_FRAME_NATIVE] = {185, 45, 55, 68},
	[PROFILE_FRAME_GAP] = {0, 1, 0, 65},	     [PROFILE_FRAME_THREAD] = {90, 30, 45, 70},
	[PROFILE_FRAME_PROCESS] = {130, 20, 40, 70}, [PROFILE_FRAME_ROOT] = {0, 1, 0, 80},
};

void report_color(const struct profile *profile, uint32_t number, char ret[REPORT_COLOR_SIZE])
{
	const struct palette *palette = &palettes[PROFILE_FRAME_ROOT];
	uint32_t hash = 0;
	if (number != PROFILE_NONE) {
		const struct profile_frame *frame = &profile->frames[number];
		const char *name = profile_text_of(profile, frame->name);
		const char *file = profile_text_of(profile, frame->file);
		palette = &palettes[frame->kind];
		/* A file's functions are like each other. */
		hash = hash_bytes(file, strlen(file)) * 3 + hash_bytes(name, strlen(name)) % 7;
	}
	snprintf(ret, REPORT_COLOR_SIZE, "hsl(%u, %u%%, %u%%)",
		 palette->hue + hash % palette->hue_range, palette->saturation,
		 palette->lightness - hash / 64 % 8);
}

void report_diff_color(double before, double after, char ret[REPORT_COLOR_SIZE])
{
	double difference = after - before;
	double greater = after > before ? after : before;
	/* From nothing at all it is all of it. */
	double strength = greater > 0 ? difference / greater : 0;
	if (strength < 0)
		strength = -strength;
	snprintf(ret, REPORT_COLOR_SIZE, "hsl(%d, %d%%, %d%%)", difference > 0 ? 5 : 215,
		 (int)(85 * strength), (int)(86 - 22 * strength));
}
