#include "analyze/process_choice.h"

static bool is_named(const struct id_list *pids, const struct process_facts *facts)
{
	return id_list_contains(pids, facts->pid) ||
	       (facts->container_pid && id_list_contains(pids, facts->container_pid));
}

size_t process_parent_distance(const struct target *target, const struct process_facts *facts)
{
	for (size_t i = 0; i < facts->ancestor_count; i++) {
		if (target_has_process(target, facts->ancestors[i].pid))
			return i + 1;
	}
	return 0;
}

static bool comes_from(const struct process_facts *facts, const struct id_list *pids)
{
	for (size_t i = 0; i < facts->ancestor_count; i++) {
		if (id_list_contains(pids, facts->ancestors[i].pid))
			return true;
	}
	return false;
}

bool process_is_chosen(const struct analyze_options *options, const struct target *target)
{
	const struct process_facts *facts = target_process(target);
	const struct id_list *pids = &options->pids;
	if (pids->count)
		return is_named(pids, facts) || (options->subprocesses && comes_from(facts, pids));
	return options->subprocesses || !process_parent_distance(target, facts);
}
