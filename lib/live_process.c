#include "lib/live_process.h"

#include "analyze/native/native_decode.h"
#include "analyze/python/decode.h"
#include "capture/proc.h"
#include "capture/process_capture.h"
#include "common/cleanup.h"

struct live_process {
	struct capture_options options;
	unsigned locals; /* how often --locals would have been given */
	struct native_options native_options;
	struct process_capture capture;
	struct process_facts identity; /* pid and start_ticks alone */
	bool sampled;		       /* `capture` holds a sample */
	bool anew;		       /* what is known of the process is of another program */
	struct python_version version;
	/* How the sample is analysed. */
	struct proc_module_files files;
	struct target_parts parts;
	struct target *target;
	struct native_decoder *native; /* NULL until it is needed */
};

static void forget_decoders(struct live_process *live)
{
	native_decoder_destroy(live->native);
	live->native = NULL;
	target_destroy(live->target);
	live->target = NULL;
}

/* The sample as a target; made again where another program is looked at. */
static struct error *take_over(struct live_process *live)
{
	const struct subject *subject = live->capture.subject;
	live->parts = (struct target_parts){
		.memory = memory_image_memory(live->capture.image),
		.mappings = &subject->mappings,
		.modules = &subject->modules,
		.threads = &live->capture.threads,
		.process = &subject->facts,
		.location = &subject->location,
		.sample = &live->capture.report.sample,
		.files = &live->files.files,
	};
	live->version = subject->location.version;
	live->sampled = true;
	return live->target ? NULL : target_from_parts(&live->parts, &live->target);
}

static struct error *first_sample(struct live_process *live)
{
	forget_decoders(live);
	struct error *error = process_capture_anew(&live->capture);
	live->anew = error != NULL;
	if (error)
		return error;
	/* Another process can get its number, but not its time of birth. */
	live->capture.start_ticks = live->capture.subject->facts.start_ticks;
	live->identity.start_ticks = live->capture.start_ticks;
	return NULL;
}

/* Native stacks lie in mappings, and their frames in modules, that there were not at first. */
static struct error *refresh(struct live_process *live)
{
	return live->options.native ? subject_refresh(live->capture.subject) : NULL;
}

static struct error *next_sample(struct live_process *live)
{
	struct error *error = refresh(live);
	if (!error)
		error = process_capture_again(&live->capture);
	if (!error || !live->capture.changed)
		return error;
	error_destroy(error);
	return first_sample(live);
}

struct error *live_process_sample(struct live_process *live)
{
	live->sampled = false;
	struct error *error = live->anew ? first_sample(live) : next_sample(live);
	return error ? error : take_over(live);
}

struct error *live_process_open(int32_t pid, const struct pyspy_config *config,
				struct live_process **ret)
{
	CLEANUP(live_process_closep) struct live_process *live = calloc(1, sizeof(*live));
	if (!live)
		return &error_out_of_memory;
	live->locals = config->locals;
	live->native_options = (struct native_options){
		.all = config->native_all,
		.last = config->native_last,
		.internal = config->native_internal,
	};
	live->options = (struct capture_options){
		.level = config->locals ? LEVEL_LOCALS : LEVEL_STACKS,
		.nonblocking = config->lock != PYSPY_LOCK,
		.native = config->native,
		.exhaustive = config->exhaustive,
		.wait_ns = 1, /* the caller knows how to wait */
		.run = true,
		.rate = config->sampling_rate, /* attempts are spread over its period */
	};
	live->identity.pid = pid;
	live->anew = true;
	live->capture = (struct process_capture){
		.options = &live->options,
		.pid = pid,
		.named = true,
	};
	proc_module_files_init(&live->files, pid);
	struct error *error = live_process_sample(live);
	if (!error)
		*ret = TAKE_POINTER(live);
	return error;
}

void live_process_close(struct live_process *live)
{
	if (!live)
		return;
	forget_decoders(live);
	process_capture_deinit(&live->capture);
	free(live);
}

void live_process_closep(struct live_process **live)
{
	live_process_close(*live);
}

static struct error *decode_native(struct live_process *live, struct model_process *model)
{
	struct error *error = NULL;
	if (!live->options.native)
		return NULL;
	if (!live->native)
		error = native_decoder_create(live->target, &live->native_options, &live->native);
	return error ? error : native_decoder_run(live->native, model);
}

struct error *live_process_decode(struct live_process *live, struct model_process *ret)
{
	const struct decode_options options = {.locals_times = live->locals};
	*ret = (struct model_process){0};
	if (!live->sampled)
		return error_create(ERROR_NOT_FOUND, "there is no sample");
	struct error *error = decode_process(live->target, &options, ret);
	return error ? error : decode_native(live, ret);
}

bool live_process_is_alive(const struct live_process *live)
{
	return proc_is_same(&live->identity);
}

int32_t live_process_pid(const struct live_process *live)
{
	return live->identity.pid;
}

struct python_version live_process_version(const struct live_process *live)
{
	return live->version;
}

const struct process_facts *live_process_facts(const struct live_process *live)
{
	return &live->capture.subject->facts;
}
