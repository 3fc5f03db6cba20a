/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/line.h"

#include <errno.h>
#include <stdio.h>

#include "server/config_keys.h"

enum command_exit cli_misuse(const char *sentence)
{
    fprintf(stderr, "sse-server: %s\nTry: sse-server --help\n", sentence);
    return COMMAND_MISUSED;
}

enum command_exit cli_finish(int rc, const struct config_fault *fault)
{
    if (rc == 0)
        return COMMAND_DONE;
    fprintf(stderr, "sse-server: %s\n", fault->message);
    return rc == -EINVAL || rc == -E2BIG ? COMMAND_MISUSED : COMMAND_FAILED;
}

enum command_exit cli_load(struct config *config, const struct config_sources *sources)
{
    struct config_fault fault = {""};

    return cli_finish(config_load_from(config, sources, &fault) == 0 ? 0 : -EINVAL, &fault);
}

enum command_exit cli_with_settings(const struct cli_line *line, cli_run_with *run)
{
    struct config_fault fault = {""};
    struct config config;
    enum command_exit status = cli_load(&config, &line->sources);

    if (status != COMMAND_DONE)
        return status;
    status = cli_finish(run(line, &config, &fault), &fault);
    config_release(&config);
    return status;
}

static int read_number(const struct cli_range *range, enum config_type type, const char *text,
                       uint64_t *number, struct config_fault *fault)
{
    const struct config_key key = {.name = range->option,
                                   .type = type,
                                   .width = sizeof(*number),
                                   .low = range->low,
                                   .high = range->high};
    struct config_fault sentence;

    if (config_value_set(&key, number, text, &sentence) == 0)
        return 0;
    return config_fail(fault, -EINVAL, "%s: %s", range->option, sentence.message);
}

int cli_read_time(const struct cli_range *range, const char *text, uint64_t *ms,
                  struct config_fault *fault)
{
    return read_number(range, CONFIG_DURATION, text, ms, fault);
}

int cli_read_count(const struct cli_range *range, const char *text, uint64_t *count,
                   struct config_fault *fault)
{
    return read_number(range, CONFIG_COUNT, text, count, fault);
}
