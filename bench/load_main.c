/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sse-load: puts a push server under load and measures it. Exit status 0 when everybody got
 * everything once and in order, 1 when not, 2 when it could not be run.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "load_options.h"
#include "load_report.h"
#include "load_run.h"

static int print_json(const struct load_report *report, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    int rc;

    if (file == NULL) {
        (void)fprintf(stderr, "--json: %s: %s\n", path, strerror(errno));
        return -EIO;
    }
    rc = load_report_print_json(report, file);
    if (file != stdout && fclose(file) != 0)
        rc = -EIO;
    return rc;
}

int main(int argc, char **argv)
{
    struct load_options options;
    struct load_report *report;
    int rc = load_options_parse(&options, argc, argv);
    bool good;

    if (rc != 0)
        return rc > 0 ? 0 : 2;
    report = mem_zalloc(sizeof(*report));
    rc = load_run(&options, report);
    if (rc < 0)
        (void)fprintf(stderr, "the scenario could not be run: %s\n", strerror(-rc));
    good = rc == 0 && load_report_is_good(report);
    if (options.json == NULL || strcmp(options.json, "-") != 0)
        load_report_print(report, stdout);
    if (rc == 0 && options.json != NULL)
        rc = print_json(report, options.json);
    free(report);
    if (rc < 0)
        return 2;
    return good ? 0 : 1;
}
