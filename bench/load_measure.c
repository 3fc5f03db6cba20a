/* SPDX-License-Identifier: Apache-2.0 */
#include "load_measure.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define STEP_BITS 5u

/* Small values have a bucket each; from then on every octave has LOAD_HISTOGRAM_STEPS of them. */
static size_t bucket_of(uint64_t value)
{
    unsigned octave;
    size_t bucket;

    if (value < LOAD_HISTOGRAM_STEPS)
        return (size_t)value;
    octave = 63u - (unsigned)__builtin_clzll(value) - STEP_BITS;
    bucket = (size_t)(octave + 1) * LOAD_HISTOGRAM_STEPS +
             (size_t)((value >> octave) & (LOAD_HISTOGRAM_STEPS - 1));
    return bucket < LOAD_HISTOGRAM_BUCKETS ? bucket : LOAD_HISTOGRAM_BUCKETS - 1;
}

static uint64_t bucket_end(size_t bucket)
{
    unsigned octave;

    if (bucket < LOAD_HISTOGRAM_STEPS)
        return bucket;
    octave = (unsigned)(bucket / LOAD_HISTOGRAM_STEPS) - 1;
    return ((LOAD_HISTOGRAM_STEPS + bucket % LOAD_HISTOGRAM_STEPS + 1) << octave) - 1;
}

void load_histogram_add(struct load_histogram *histogram, uint64_t began, uint64_t ended)
{
    const uint64_t value = ended > began ? ended - began : 0;

    histogram->counts[bucket_of(value)]++;
    histogram->total++;
    if (value > histogram->max)
        histogram->max = value;
}

double load_histogram_ms(const struct load_histogram *histogram, double share)
{
    const uint64_t wanted = (uint64_t)((double)histogram->total * share + 0.5);
    uint64_t value = histogram->max;
    uint64_t seen = 0;

    for (size_t i = 0; i < LOAD_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen > 0 && seen >= wanted) {
            value = bucket_end(i) < value ? bucket_end(i) : value;
            break;
        }
    }
    return (double)value / 1e6;
}

/* User and system time, in ticks. */
static uint64_t ticks_in(const char *stat)
{
    uint64_t user, system;
    /* The name is in parentheses and may hold any character, these too. */
    const char *behind_name = strrchr(stat, ')');

    return behind_name != NULL &&
                   sscanf(behind_name,
                          ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
                          &user, &system) == 2
               ? user + system
               : 0;
}

static uint64_t pss_in(const char *smaps)
{
    const char *line = strstr(smaps, "\nPss:");
    uint64_t size;

    return line != NULL && sscanf(line, " Pss: %" SCNu64, &size) == 1 ? size : 0;
}

static uint64_t sum_of(const pid_t *pids, size_t count, const char *name,
                       uint64_t (*figure_in)(const char *text))
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        char text[4096];
        FILE *file;

        (void)snprintf(text, sizeof(text), "/proc/%d/%s", (int)pids[i], name);
        file = fopen(text, "re");
        if (file == NULL)
            continue;
        text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
        sum += figure_in(text);
        (void)fclose(file);
    }
    return sum;
}

uint64_t load_process_cpu(const pid_t *pids, size_t count)
{
    return sum_of(pids, count, "stat", ticks_in) * 1000000u / (uint64_t)sysconf(_SC_CLK_TCK);
}

uint64_t load_process_pss(const pid_t *pids, size_t count)
{
    return sum_of(pids, count, "smaps_rollup", pss_in);
}

uint64_t load_process_own_cpu(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) < 0)
        return 0;
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}
