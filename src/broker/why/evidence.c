/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/why/evidence.h"

#include <stdlib.h>

#include "base/mem.h"
#include "broker/trace.h"

void why_evidence_free(struct why_evidence *evidence)
{
    if (!evidence)
        return;
    free((char *)evidence->presence.nearest);
    free((char *)evidence->channel.nearest);
    free(evidence->other_tenant);
    buf_release(&evidence->shown);
    buf_release(&evidence->records);
    free(evidence);
}

static void take_nearer(const char **nearest, enum nearness *nearness, const char *other,
                        enum nearness others)
{
    if (!other || (*nearest && *nearness >= others))
        return;
    free((char *)*nearest);
    *nearest = mem_strdup(other);
    *nearness = others;
}

static void add_shown(struct why_evidence *evidence, const struct why_evidence *other)
{
    if (other->shown_count == 0 || evidence->shown_count >= WHY_SHOWN_MOST)
        return;
    if (evidence->shown_count > 0)
        buf_append_char(&evidence->shown, ',');
    buf_append(&evidence->shown, other->shown.data, other->shown.length);
    evidence->shown_count += other->shown_count;
}

void why_evidence_add(struct why_evidence *evidence, const struct why_evidence *other)
{
    evidence->presence.connections += other->presence.connections;
    evidence->presence.saying += other->presence.saying;
    evidence->presence.listening += other->presence.listening;
    take_nearer(&evidence->presence.nearest, &evidence->presence.nearness, other->presence.nearest,
                other->presence.nearness);
    evidence->channel.members += other->channel.members;
    evidence->channel.joined += other->channel.joined;
    take_nearer(&evidence->channel.nearest, &evidence->channel.nearness, other->channel.nearest,
                other->channel.nearness);
    if (other->queue.window > 0)
        evidence->queue = other->queue;
    if (!evidence->other_tenant && other->other_tenant)
        evidence->other_tenant = mem_strdup(other->other_tenant);
    add_shown(evidence, other);
    buf_append(&evidence->records, other->records.data, other->records.length);
    /* What every worker still knows. */
    if (other->known_since > evidence->known_since)
        evidence->known_since = other->known_since;
    evidence->is_cut |= other->is_cut;
    evidence->is_unrecorded |= other->is_unrecorded;
}

static const struct trace_record *record_at(const struct why_evidence *evidence, size_t at)
{
    if (at >= evidence->records.length)
        return NULL;
    return (const struct trace_record *)(const void *)(evidence->records.data + at);
}

const struct trace_record *why_first_record(const struct why_evidence *evidence)
{
    return record_at(evidence, 0);
}

const struct trace_record *why_next_record(const struct why_evidence *evidence,
                                           const struct trace_record *record)
{
    return record_at(evidence,
                     (size_t)((const char *)record - evidence->records.data) + record->size);
}
