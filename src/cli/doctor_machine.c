/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine gives: time, and open files. */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/timex.h>

#include "cli/doctor.h"
#include "server/config_keys.h"
#include "server/processors.h"

#define WARNING_MS 5000 /* tokens are believed for some seconds more or less */
#define ERROR_MS   60000

#define LEAST_FILES 1024u /* a client takes one, and the server itself some dozens */

static void compare_clock(const struct doctor *doctor, const struct doctor_subject *subject)
{
    const int64_t off = llabs(doctor->clock_ms);
    const char *direction = doctor->clock_ms > 0 ? "ahead of" : "behind";

    if (off > WARNING_MS)
        doctor_find(
            subject, off > ERROR_MS ? DOCTOR_ERROR : DOCTOR_WARNING,
            "have both set their clocks by NTP (timedatectl set-ntp true): tokens would end "
            "too early or too late, and signatures of webhooks be refused",
            "%" PRId64 " s %s that of %.200s", off / 1000, direction, doctor->clock_of);
    else
        doctor_find(subject, DOCTOR_OK, NULL, "as that of %.200s", doctor->clock_of);
}

void doctor_check_clock(struct doctor *doctor)
{
    const struct doctor_subject subject = {doctor, "clock", NULL};
    struct timex state = {.modes = 0};

    if (doctor->clock_of)
        compare_clock(doctor, &subject);
    if (adjtimex(&state) == TIME_ERROR || (state.status & STA_UNSYNC) != 0)
        doctor_find(&subject, doctor->clock_of ? DOCTOR_OK : DOCTOR_WARNING,
                    doctor->clock_of ? NULL : "switch NTP on: timedatectl set-ntp true",
                    "the kernel does not know that anything keeps it right");
    else
        doctor_find(&subject, DOCTOR_OK, NULL, "kept right by NTP");
}

/* How many clients the settings speak of; 0: they leave it to what there is. */
static uint64_t wanted_sessions(const struct config *config, uint64_t workers)
{
    return config_is_given(config, config_key_find("limits.sessions"), 0)
               ? config->limits.sessions * workers
               : 0;
}

void doctor_check_descriptors(struct doctor *doctor)
{
    const struct doctor_subject subject = {doctor, "descriptors", NULL};
    const struct config *config = doctor->config;
    const uint64_t workers = config->workers > 0 ? config->workers : processors_usable();
    const uint64_t wanted = wanted_sessions(config, workers);
    struct rlimit limit;
    uint64_t most;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    most = limit.rlim_max; /* the server takes what it may */
    if (most < LEAST_FILES)
        doctor_find(&subject, DOCTOR_ERROR, "raise it: ulimit -Hn, or LimitNOFILE= of the unit",
                    "a process may have %" PRIu64 " open files: later clients are refused", most);
    else if (most < wanted)
        doctor_find(&subject, DOCTOR_WARNING,
                    "raise it (ulimit -Hn, LimitNOFILE= of the unit), or lower limits.sessions to "
                    "what is meant",
                    "limits.sessions allows %" PRIu64 " sessions, but a process may have %" PRIu64
                    " open files: later clients are refused",
                    wanted, most);
    else
        doctor_find(&subject, DOCTOR_OK, NULL, "%" PRIu64 " open files", most);
}
