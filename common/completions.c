#include "common/completions.h"

#include <ctype.h>
#include <string.h>

/* What an option's argument is, by what its help calls it. */
enum argument_class {
	ARGUMENT_WORD = 0, /* nothing to offer */
	ARGUMENT_FILE,
	ARGUMENT_FOLDER,
	ARGUMENT_PROCESS,
	ARGUMENT_CHOICE,
};

static enum argument_class class_of(const struct option_spec *spec)
{
	static const struct {
		const char *argument;
		enum argument_class is;
	} classes[] = {
		{"FILE", ARGUMENT_FILE},  {"EXECUTABLE", ARGUMENT_FILE}, {"DIR", ARGUMENT_FOLDER},
		{"A:B", ARGUMENT_FOLDER}, {"PID", ARGUMENT_PROCESS},
	};
	if (spec->choices)
		return ARGUMENT_CHOICE;
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (strcmp(spec->argument, classes[i].argument) == 0)
			return classes[i].is;
	}
	return ARGUMENT_WORD;
}

static bool is_offered(const struct option_spec *spec)
{
	return spec->kind != OPTION_UNAVAILABLE && !spec->hidden;
}

static bool belongs_to(const struct option_spec *spec, const struct completion_command *command)
{
	return !command || !spec->commands || (spec->commands & command->bit);
}

/* The program's name as a part of a function's. */
static void write_identifier(FILE *stream, const char *program)
{
	for (; *program; program++)
		fputc(isalnum((unsigned char)*program) ? *program : '_', stream);
}

static void write_choices(FILE *stream, const struct option_spec *spec)
{
	for (size_t i = 0; spec->choices[i]; i++)
		fprintf(stream, "%s%s", i ? " " : "", spec->choices[i]);
}

/* --- bash */

static void bash_options(const struct completions *completions,
			 const struct completion_command *command, FILE *stream)
{
	for (size_t i = 0; i < completions->option_count; i++) {
		const struct option_spec *spec = &completions->options[i];
		if (!is_offered(spec) || !belongs_to(spec, command))
			continue;
		fprintf(stream, " --%s", spec->name);
		if (spec->alias)
			fprintf(stream, " --%s", spec->alias);
	}
}

/* A case for each option that has an argument: what is offered after it. */
static void bash_arguments(const struct completions *completions, FILE *stream)
{
	for (size_t i = 0; i < completions->option_count; i++) {
		const struct option_spec *spec = &completions->options[i];
		if (!is_offered(spec) || !spec->argument)
			continue;
		fprintf(stream, "\t--%s", spec->name);
		if (spec->alias)
			fprintf(stream, "|--%s", spec->alias);
		if (spec->letter)
			fprintf(stream, "|-%c", spec->letter);
		fputs(")\n\t\t", stream);
		switch (class_of(spec)) {
		case ARGUMENT_CHOICE:
			fputs("COMPREPLY=($(compgen -W '", stream);
			write_choices(stream, spec);
			fputs("' -- \"$word\"))", stream);
			break;
		case ARGUMENT_FOLDER:
			fputs("COMPREPLY=($(compgen -d -- \"$word\"))", stream);
			break;
		case ARGUMENT_PROCESS:
			fputs("COMPREPLY=($(cd /proc && compgen -G \"$word[0-9]*\"))", stream);
			break;
		case ARGUMENT_FILE: /* what is offered where nothing else is */
		case ARGUMENT_WORD:
			fputs(":", stream);
			break;
		}
		fputs("\n\t\treturn ;;\n", stream);
	}
}

static void bash_commands(const struct completions *completions, FILE *stream)
{
	fprintf(stream,
		"\tlocal command=%s named= i\n"
		"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n\t\tcase ${COMP_WORDS[i]} in\n",
		completions->commands[0].name);
	for (size_t i = 0; i < completions->command_count; i++) {
		const struct completion_command *command = &completions->commands[i];
		fprintf(stream, "\t\t%s", command->name);
		if (command->abbreviation)
			fprintf(stream, "|%s", command->abbreviation);
		fprintf(stream, ") command=%s named=1; break ;;\n", command->name);
	}
	fputs("\t\tesac\n\tdone\n\tcase $command in\n", stream);
	for (size_t i = 0; i < completions->command_count; i++) {
		fprintf(stream, "\t%s) options='", completions->commands[i].name);
		bash_options(completions, &completions->commands[i], stream);
		fputs("' ;;\n", stream);
	}
	fputs("\tesac\n", stream);
}

static void write_bash(const struct completions *completions, FILE *stream)
{
	fprintf(stream, "# Completion of %s in bash.\n_", completions->program);
	write_identifier(stream, completions->program);
	fputs("()\n{\n"
	      "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} options=\n"
	      "\tCOMPREPLY=()\n"
	      "\tif [[ $word == = ]]; then\n\t\tword=\n"
	      "\telif [[ $before == = ]]; then\n\t\tbefore=${COMP_WORDS[COMP_CWORD-2]}\n\tfi\n"
	      "\tcase $before in\n",
	      stream);
	bash_arguments(completions, stream);
	fputs("\tesac\n", stream);
	if (completions->command_count) {
		bash_commands(completions, stream);
	} else {
		fputs("\toptions='", stream);
		bash_options(completions, NULL, stream);
		fputs("'\n", stream);
	}
	fputs("\tif [[ $word == -* ]]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n",
	      stream);
	if (completions->command_count) {
		fputs("\telif [[ -z $named && $word != */* ]]; then\n\t\tCOMPREPLY=($(compgen -W '",
		      stream);
		for (size_t i = 0; i < completions->command_count; i++)
			fprintf(stream, " %s", completions->commands[i].name);
		fputs("' -- \"$word\") $(compgen -f -- \"$word\"))\n", stream);
	}
	fputs("\tfi\n\treturn 0\n}\ncomplete -o default -F _", stream);
	write_identifier(stream, completions->program);
	fprintf(stream, " %s\n", completions->program);
}

/* --- zsh */

/* Within '…' and […] of _arguments. */
static void zsh_text(FILE *stream, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stream);
		else if (strchr("[]:\\", *text))
			fprintf(stream, "\\%c", *text);
		else
			fputc(*text, stream);
	}
}

static void zsh_option(const struct option_spec *spec, const char *name, bool is_long, FILE *stream)
{
	fprintf(stream, "\t\t'*%s%s%s[", is_long ? "--" : "-", name,
		!spec->argument ? ""
		: is_long	? "="
				: "+");
	zsh_text(stream, spec->help);
	fputc(']', stream);
	if (spec->argument) {
		fputc(':', stream);
		zsh_text(stream, spec->argument);
		fputc(':', stream);
		switch (class_of(spec)) {
		case ARGUMENT_CHOICE:
			fputc('(', stream);
			write_choices(stream, spec);
			fputc(')', stream);
			break;
		case ARGUMENT_FILE:
			fputs("_files", stream);
			break;
		case ARGUMENT_FOLDER:
			fputs("_files -/", stream);
			break;
		case ARGUMENT_PROCESS:
			fputs("_pids", stream);
			break;
		case ARGUMENT_WORD:
			fputc(' ', stream);
			break;
		}
	}
	fputs("'\n", stream);
}

static void zsh_options(const struct completions *completions,
			const struct completion_command *command, FILE *stream)
{
	for (size_t i = 0; i < completions->option_count; i++) {
		const struct option_spec *spec = &completions->options[i];
		const char letter[] = {spec->letter, '\0'};
		if (!is_offered(spec) || !belongs_to(spec, command))
			continue;
		zsh_option(spec, spec->name, true, stream);
		if (spec->alias)
			zsh_option(spec, spec->alias, true, stream);
		if (spec->letter)
			zsh_option(spec, letter, false, stream);
	}
}

static void zsh_commands(const struct completions *completions, FILE *stream)
{
	fprintf(stream, "\tlocal -a commands\n\tlocal command=%s word\n\tcommands=(\n",
		completions->commands[0].name);
	for (size_t i = 0; i < completions->command_count; i++) {
		fprintf(stream, "\t\t'%s:", completions->commands[i].name);
		zsh_text(stream, completions->commands[i].summary);
		fputs("'\n", stream);
	}
	fputs("\t)\n\tfor word in ${words[2,CURRENT-1]}; do\n\t\tcase $word in\n", stream);
	for (size_t i = 0; i < completions->command_count; i++) {
		const struct completion_command *command = &completions->commands[i];
		fprintf(stream, "\t\t%s", command->name);
		if (command->abbreviation)
			fprintf(stream, "|%s", command->abbreviation);
		fprintf(stream, ") command=%s; break ;;\n", command->name);
	}
	fputs("\t\tesac\n\tdone\n\tcase $command in\n", stream);
	for (size_t i = 0; i < completions->command_count; i++) {
		fprintf(stream, "\t%s) options=(\n", completions->commands[i].name);
		zsh_options(completions, &completions->commands[i], stream);
		fputs("\t) ;;\n", stream);
	}
	fputs("\tesac\n"
	      "\t_arguments -s $options '1: :{_describe command commands; _files}' "
	      "'*:FILE:_files'\n",
	      stream);
}

static void write_zsh(const struct completions *completions, FILE *stream)
{
	fprintf(stream, "#compdef %s\n# Completion of %s in zsh.\n_", completions->program,
		completions->program);
	write_identifier(stream, completions->program);
	fputs("()\n{\n\tlocal -a options\n", stream);
	if (completions->command_count) {
		zsh_commands(completions, stream);
	} else {
		fputs("\toptions=(\n", stream);
		zsh_options(completions, NULL, stream);
		fputs("\t)\n\t_arguments -s $options '*::COMMAND:_normal'\n", stream);
	}
	/* Both as a file of $fpath, which is run as the function, and read by `source`. */
	fputs("}\nif [[ $funcstack[1] == _", stream);
	write_identifier(stream, completions->program);
	fputs(" ]]; then\n\t_", stream);
	write_identifier(stream, completions->program);
	fputs(" \"$@\"\nelse\n\tcompdef _", stream);
	write_identifier(stream, completions->program);
	fprintf(stream, " %s\nfi\n", completions->program);
}

/* --- fish */

static void fish_text(FILE *stream, const char *text)
{
	for (; *text; text++)
		fprintf(stream, strchr("'\\", *text) ? "\\%c" : "%c", *text);
}

/* Where the option is taken: not behind the names of commands that do not have it. */
static void fish_condition(const struct completions *completions, const struct option_spec *spec,
			   FILE *stream)
{
	bool any = false;
	for (size_t i = 0; i < completions->command_count; i++) {
		const struct completion_command *command = &completions->commands[i];
		if (belongs_to(spec, command))
			continue;
		fputs(any ? " " : " -n 'not __fish_seen_subcommand_from ", stream);
		any = true;
		fputs(command->name, stream);
		if (command->abbreviation)
			fprintf(stream, " %s", command->abbreviation);
	}
	fputs(any ? "'" : "", stream);
}

static void fish_option(const struct completions *completions, const struct option_spec *spec,
			FILE *stream)
{
	fprintf(stream, "complete -c %s", completions->program);
	fish_condition(completions, spec, stream);
	if (spec->letter)
		fprintf(stream, " -s %c", spec->letter);
	fprintf(stream, " -l %s", spec->name);
	if (spec->alias)
		fprintf(stream, " -l %s", spec->alias);
	if (spec->argument) {
		switch (class_of(spec)) {
		case ARGUMENT_CHOICE:
			fputs(" -x -a '", stream);
			write_choices(stream, spec);
			fputs("'", stream);
			break;
		case ARGUMENT_FILE:
			fputs(" -r -F", stream);
			break;
		case ARGUMENT_FOLDER:
			fputs(" -x -a '(__fish_complete_directories)'", stream);
			break;
		case ARGUMENT_PROCESS:
			fputs(" -x -a '(__fish_complete_pids)'", stream);
			break;
		case ARGUMENT_WORD:
			fputs(" -x", stream);
			break;
		}
	}
	fputs(" -d '", stream);
	fish_text(stream, spec->help);
	fputs("'\n", stream);
}

static void write_fish(const struct completions *completions, FILE *stream)
{
	fprintf(stream, "# Completion of %s in fish.\n", completions->program);
	for (size_t i = 0; i < completions->command_count; i++) {
		fprintf(stream, "complete -c %s -n __fish_use_subcommand -a %s -d '",
			completions->program, completions->commands[i].name);
		fish_text(stream, completions->commands[i].summary);
		fputs("'\n", stream);
	}
	for (size_t i = 0; i < completions->option_count; i++) {
		if (is_offered(&completions->options[i]))
			fish_option(completions, &completions->options[i], stream);
	}
}

static const struct {
	const char *name;
	void (*write)(const struct completions *completions, FILE *stream);
} shells[] = {
	{"bash", write_bash},
	{"zsh", write_zsh},
	{"fish", write_fish},
};

const char *const completion_shells[] = {"bash", "zsh", "fish", NULL};

struct error *completions_write(const struct completions *completions, const char *shell,
				FILE *stream)
{
	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (strcmp(shells[i].name, shell) == 0) {
			shells[i].write(completions, stream);
			return NULL;
		}
	}
	return error_create(ERROR_USAGE,
			    "there are completions for bash, zsh and fish, not for '%s'", shell);
}
