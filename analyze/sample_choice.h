/* --sample: which sample of a snapshot is shown, by its number or by its time. */
#ifndef PYSPY_ANALYZE_SAMPLE_CHOICE_H
#define PYSPY_ANALYZE_SAMPLE_CHOICE_H

#include "analyze/profile/time_window.h"
#include "analyze/target.h"

struct sample_choice {
	uint64_t number;	/* of each process, from 1 on; 0: by its time, or the last one */
	struct time_bound time; /* the one at this time, or the last one before it */
};

/* A whole number, or a time as that of --from; NULL is the last sample. ERROR_USAGE for others. */
struct error *sample_choice_parse(const char *text, struct sample_choice *ret);

/*
 * The number of the chosen sample of each process of the target, 0 where a process has none; to be
 * freed. It is NULL unless they are chosen by time. Another sample may be selected after it.
 */
struct error *sample_choice_find(const struct sample_choice *choice, struct target *target,
				 uint64_t **ret_numbers);

/* Select the chosen sample of a process, with what sample_choice_find() found. */
struct error *sample_choice_select(const struct sample_choice *choice, const uint64_t *numbers,
				   struct target *target, size_t process);

#endif
