/* A live process that is captured and analysed in this program, again and again. */
#ifndef PYSPY_LIB_LIVE_PROCESS_H
#define PYSPY_LIB_LIVE_PROCESS_H

#include "analyze/target.h"
#include "common/model.h"
#include "include/pyspy.h"

struct live_process;

/* Look at it, find its Python, and take a first sample. `config` is checked, and not kept. */
struct error *live_process_open(int32_t pid, const struct pyspy_config *config,
				struct live_process **ret);
void live_process_close(struct live_process *live);
void live_process_closep(struct live_process **live);

/*
 * Take a sample in place of the one before. What has begun to run another program is looked at
 * anew. After an error there is no sample until one succeeds.
 */
struct error *live_process_sample(struct live_process *live);

/* The sample, decoded with what the configuration asks for. ERROR_NOT_FOUND if there is none.
 * `ret` is always to be deinitialised. */
struct error *live_process_decode(struct live_process *live, struct model_process *ret);

/* It is the same process as at first, and lives. */
bool live_process_is_alive(const struct live_process *live);

int32_t live_process_pid(const struct live_process *live);
/* Of the last sample. */
struct python_version live_process_version(const struct live_process *live);
const struct process_facts *live_process_facts(const struct live_process *live);

#endif
