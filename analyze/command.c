/*
 * To add a command:
 *  1. a bit in enum command_bit, and the function in a file of its own, command_NAME.c;
 *  2. its row here;
 *  3. its options' rows in options.c, with the bit;
 *  4. man/pyspy-analyze.1.
 */
#include "analyze/command.h"

#include <string.h>

static const struct command commands[] = {
	{
		.name = "dump",
		.abbreviation = "d",
		.bit = COMMAND_DUMP,
		.summary = "threads and their Python stacks (this is the default)",
		.synopsis =
			{
				"[dump] [OPTION]... FILE...",
				"[dump] [OPTION]... CORE EXECUTABLE",
				"[dump] [OPTION]... --pid PID...",
				"dump [OPTION]... -- COMMAND [ARGUMENT]...",
			},
		.description = "Shows the threads and Python stacks of processes: of running ones, "
			       "of one that is started, from snapshots that pyspy-capture wrote "
			       "and from ELF cores. \"-\" "
			       "is standard input.",
		.run = command_dump,
	},
	{
		.name = "info",
		.bit = COMMAND_INFO,
		.summary = "what is in a file: process, Python, modules, threads, samples, sizes",
		.synopsis = {"info [OPTION]... FILE..."},
		.description = "Shows what is in snapshots and ELF cores. \"-\" is standard input.",
		.run = command_info,
	},
	{
		.name = "report",
		.bit = COMMAND_REPORT,
		.summary = "where the time went: all samples of all files in one graph or table",
		.synopsis =
			{
				"report [OPTION]... FILE...",
				"report [OPTION]... --pid PID...",
				"report [OPTION]... -- COMMAND [ARGUMENT]...",
			},
		.description = "Puts all samples of snapshots and ELF cores together, or samples a "
			       "running process, and prints a flame graph, a table or what other "
			       "programs read. \"-\" is standard input.",
		.run = command_report,
	},
	{
		.name = "record",
		.abbreviation = "r",
		.bit = COMMAND_RECORD,
		.summary = "the same, into a file that is named after the program and the time",
		.synopsis =
			{
				"record [OPTION]... FILE...",
				"record [OPTION]... --pid PID...",
				"record [OPTION]... -- COMMAND [ARGUMENT]...",
			},
		.description =
			"Samples a running process, or puts all samples of snapshots and ELF "
			"cores together, as report does, and writes a file: "
			"PROGRAM-TIME.svg, or what the format is called.",
		.run = command_report,
	},
	{
		.name = "diff",
		.bit = COMMAND_DIFF,
		.summary = "what is more and what is less in one file than in another",
		.synopsis = {"diff [OPTION]... BEFORE AFTER"},
		.description = "Compares the reports of two files, by shares of all: as a flame "
			       "graph, a table or collapsed stacks.",
		.run = command_diff,
	},
	{
		.name = "merge",
		.bit = COMMAND_MERGE,
		.summary = "several snapshots in one file",
		.synopsis = {"merge [OPTION]... --output FILE SNAPSHOT..."},
		.description = "Puts snapshots behind one another: a file with the samples of all, "
			       "in the order in which they are named.",
		.run = command_merge,
	},
	{
		.name = "top",
		.abbreviation = "t",
		.bit = COMMAND_TOP,
		.summary = "where the time goes, on a screen of its own that changes with it",
		.synopsis =
			{
				"top [OPTION]... FILE",
				"top [OPTION]... --pid PID...",
				"top [OPTION]... -- COMMAND [ARGUMENT]...",
			},
		.description =
			"Shows on the whole screen which functions have the time: samples a "
			"running process, plays a file, or shows a stream as it comes. \"-\" "
			"is standard input; keys come from the terminal. ? lists them.",
		.run = command_top,
	},
	{
		.name = "completions",
		.bit = COMMAND_COMPLETIONS,
		.summary = "a script that completes these commands and options in a shell",
		.synopsis = {"completions bash|zsh|fish"},
		.description = "Prints a script for bash, zsh or fish: bash reads it with "
			       "source <(pyspy-analyze completions bash).",
		.run = command_completions,
	},
};

const struct command *command_default(void)
{
	return &commands[0];
}

const struct command *command_at(size_t index)
{
	return index < sizeof(commands) / sizeof(commands[0]) ? &commands[index] : NULL;
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *command = &commands[i];
		if (strcmp(command->name, name) == 0 ||
		    (command->abbreviation && strcmp(command->abbreviation, name) == 0))
			return command;
	}
	return NULL;
}

void command_list(FILE *stream)
{
	fputs("\nCommands:\n", stream);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		fprintf(stream, "  %-11s %s\n", commands[i].name, commands[i].summary);
	}
	fputs("\nThe options of a command: pyspy-analyze COMMAND --help\n", stream);
}
