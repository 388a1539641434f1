#include "analyze/top/top_view_header.h"

#include <stdio.h>

#include "analyze/top/top_text.h"

/* Fewer errors, and errors of the first moments, are not worth a line. */
#define ERROR_SHARE   0.01
#define ERROR_SAMPLES 100
#define LATE_SHARE    0.10
#define LATE_S	      1.0
enum { SUFFIX_SIZE = 128, COMMAND_MIN = 8 };

#define SECOND_NS 1e9

/* A process that was not started by another one of them comes first. */
static const struct top_process *first_process(const struct top_scene *scene)
{
	return scene->processes->count ? &scene->processes->items[0] : NULL;
}

/* What comes after the command, and must not be pushed off the screen by it. */
static void describe(const struct top_scene *scene, const struct top_process *process,
		     char text[SUFFIX_SIZE])
{
	char version[PYTHON_VERSION_TEXT_SIZE] = "";
	char more[32] = "";
	if (process->version_known)
		python_version_format(process->version, version);
	if (scene->processes->count > 1 && !scene->subprocesses)
		snprintf(more, sizeof(more), " and %zu more", scene->processes->count - 1);
	snprintf(text, SUFFIX_SIZE, "'%s%s%s%s%s", *version ? " (python v" : "", version,
		 *version ? ")" : "", scene->subprocesses ? " and subprocesses" : "", more);
}

static void put_title(const struct top_scene *scene, struct top_page *page)
{
	const struct top_process *process = first_process(scene);
	char suffix[SUFFIX_SIZE];
	if (!process) {
		top_page_put(page, TOP_PLAIN,
			     scene->status ? "There were no samples" : "Waiting for samples");
		return;
	}
	describe(scene, process, suffix);
	const char *prefix =
		scene->is_replay ? "Replaying samples of " : "Collecting samples from ";
	const char *command = process->command ? process->command : "?";
	unsigned fixed = top_page_width_of(page, suffix) + 1;
	unsigned width = fixed + top_page_width_of(page, command);
	if (width + top_page_width_of(page, prefix) <= page->width)
		top_page_put(page, TOP_PLAIN, prefix);
	unsigned room = page->width > fixed + COMMAND_MIN ? page->width - fixed : COMMAND_MIN;
	top_page_put(page, TOP_PLAIN, "'");
	if (top_page_width_of(page, command) <= room) {
		top_page_put(page, TOP_NAME, command);
	} else {
		top_page_put_part(page, TOP_NAME, command, room - 3);
		top_page_put(page, TOP_NAME, "...");
	}
	top_page_put(page, TOP_PLAIN, suffix);
}

static void put_totals(const struct top_scene *scene, struct top_page *page)
{
	const struct top_processes *processes = scene->processes;
	const struct top_stats *stats = &processes->stats;
	const struct top_health *health = &processes->health;
	uint64_t failed = health->failed + health->not_had;
	uint64_t tried = stats->rounds + failed;
	double share = tried ? (double)failed / (double)tried : 0.0;
	top_page_put(page, TOP_PLAIN, "Total Samples ");
	top_page_format(page, TOP_STRONG, "%llu", (unsigned long long)stats->rounds);
	if (stats->has_interval && processes->last_interval_ns)
		top_page_format(page, TOP_PLAIN, " (%.1f/s)",
				(double)stats->rounds_last /
					((double)processes->last_interval_ns / SECOND_NS));
	if ((tried > ERROR_SAMPLES || !stats->rounds) && share >= ERROR_SHARE) {
		top_page_put(page, TOP_PLAIN, ", Error Rate ");
		top_page_format(page, TOP_WARNING, "%.2f%%", 100.0 * share);
		if (health->last_error) {
			top_page_put(page, TOP_PLAIN, " (");
			top_page_put(page, TOP_STRONG, health->last_error);
			top_page_put(page, TOP_PLAIN, ")");
		}
	}
}

/* Percent of the samples in which a thread had the bits. */
static void put_share(const struct top_stats *stats, unsigned classes, unsigned bit,
		      struct top_page *page)
{
	char text[TOP_NUMBER_SIZE];
	unsigned set = 0;
	for (unsigned i = 0; i < TOP_CLASSES; i++)
		set |= (i & bit) ? classes & 1U << i : 0;
	top_page_put(page, TOP_STRONG,
		     top_percent(top_tally_samples(stats, &stats->threads, set),
				 top_stats_rounds(stats), text));
}

static void put_summary(const struct top_scene *scene, const struct top_state *state,
			struct top_page *page)
{
	const struct top_processes *processes = scene->processes;
	unsigned classes = top_class_set(state->gil, state->idle);
	top_page_put(page, TOP_PLAIN, "GIL: ");
	if (processes->gil_unknown)
		top_page_put(page, TOP_STRONG, "unknown");
	else
		put_share(&processes->stats, classes, TOP_CLASS_GIL, page);
	top_page_put(page, TOP_PLAIN, ", Active: ");
	put_share(&processes->stats, classes, TOP_CLASS_ACTIVE, page);
	top_page_put(page, TOP_PLAIN, ", Threads: ");
	top_page_format(page, TOP_STRONG, "%zu", top_processes_threads(processes));
	if (scene->subprocesses || processes->count > 1) {
		top_page_put(page, TOP_PLAIN, ", Processes ");
		top_page_format(page, TOP_STRONG, "%zu", processes->count);
	}
}

/* The share of samples that are not there, if that is much: of more than a second in all. */
static double late_share(const struct top_scene *scene)
{
	const struct top_processes *processes = scene->processes;
	uint64_t late = processes->health.left_out;
	double wanted = (double)(late + processes->stats.rounds);
	double seconds = processes->time_ns > processes->first_ns
				 ? (double)(processes->time_ns - processes->first_ns) / SECOND_NS
				 : 0.0;
	double share = late ? (double)late / wanted : 0.0;
	return share * seconds > LATE_S && share > LATE_SHARE ? share : 0.0;
}

/* What the user should know before all else; false if there is nothing. */
static bool put_warning(const struct top_scene *scene, const struct top_state *state,
			struct top_page *page)
{
	double late = late_share(scene);
	if (state->message[0])
		top_page_put(page, TOP_WARNING, state->message);
	else if (late > 0)
		top_page_format(page, TOP_WARNING,
				"%.0f%% of the samples were late, and left out: ask for fewer "
				"with --rate",
				100.0 * late);
	else if (scene->processes->is_new)
		top_page_put(page, TOP_WARNING,
			     "There are too many different functions: counts began again");
	else
		return false;
	return true;
}

void top_view_header(const struct top_scene *scene, const struct top_state *state,
		     struct top_page *page)
{
	if (page->height >= TOP_TALL_HEIGHT) {
		put_title(scene, page);
		top_page_end_row(page);
		put_totals(scene, page);
		top_page_end_row(page);
		put_summary(scene, state, page);
		top_page_end_row(page);
		put_warning(scene, state, page);
	} else if (!put_warning(scene, state, page)) {
		put_summary(scene, state, page);
	}
	top_page_end_row(page);
}

static void put_replay(const struct top_scene *scene, struct top_page *page)
{
	char position[TOP_NUMBER_SIZE];
	top_page_put(page, TOP_STRONG, top_position(scene->position_ns, position));
	if (!scene->status)
		top_page_format(page, TOP_PLAIN, ", %.0f%%", 100.0 * scene->part);
	if (scene->speed > 0 && (scene->speed > 1 || scene->speed < 1))
		top_page_format(page, TOP_PLAIN, " at %g x", scene->speed);
	top_page_put(page, TOP_PLAIN, "  ");
}

static void put_choices(const struct top_state *state, struct top_page *page)
{
	const struct {
		bool chosen;
		const char *text;
	} choices[] = {
		{state->paused, "[paused]"},
		{state->gil, "[GIL only]"},
		{state->idle, "[idle too]"},
	};
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		if (!choices[i].chosen)
			continue;
		top_page_put(page, TOP_STRONG, choices[i].text);
		top_page_put(page, TOP_PLAIN, " ");
	}
	if (!state->filter[0])
		return;
	top_page_put(page, TOP_STRONG, "[/");
	top_page_put(page, TOP_STRONG, state->filter);
	top_page_put(page, TOP_STRONG, "]");
	top_page_put(page, TOP_PLAIN, " ");
}

void top_view_status(const struct top_scene *scene, const struct top_state *state,
		     struct top_page *page)
{
	if (state->editing) {
		top_page_put(page, TOP_STRONG, "/");
		top_page_put(page, TOP_PLAIN, state->filter);
		top_page_put(page, TOP_HEADING, " ");
		return;
	}
	if (scene->status) {
		top_page_put(page, TOP_STRONG, scene->status);
		top_page_put(page, TOP_PLAIN, "  ");
	}
	if (scene->is_replay)
		put_replay(scene, page);
	put_choices(state, page);
	top_page_put(page, TOP_PLAIN, "Press ");
	top_page_put(page, TOP_HEADING, "q");
	top_page_put(page, TOP_PLAIN, " to quit, or ");
	top_page_put(page, TOP_HEADING, "?");
	top_page_put(page, TOP_PLAIN, " for help.");
}
