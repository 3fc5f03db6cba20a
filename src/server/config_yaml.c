/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings from a YAML file, event by event: nothing is built from the text, so that a hostile file
 * costs no more than its length. Takes mappings, lists and scalars; anchors, aliases and tags are
 * refused, for a setting should stand where it counts.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "server/config_keys.h"
#include "server/config_load.h"
#include "server/config_value.h"

#define MAX_FILE_BYTES ((size_t)1 << 20)
#define MAX_DEPTH      8u

struct reader {
    yaml_parser_t parser;
    struct config *config;
    const char *name; /* of the file */
    const char *text;
    struct config_fault *fault;
    struct buf path; /* where we are: "services[0].queueBytes" */
    size_t index;    /* of the list's item that we are in */
    size_t outer;    /* of the one around it */
    unsigned depth;
};

/* "sse-server.yaml:12: services[0].queueBytes: …" */
static int fail_at(struct reader *reader, const yaml_mark_t *mark, const char *sentence)
{
    bool inside = reader->path.length > 0;

    return config_fail(reader->fault, -EINVAL, "%.150s:%zu: %.100s%s%s", reader->name,
                       mark->line + 1, buf_str(&reader->path), inside ? ": " : "", sentence);
}

/* libyaml knows no line for octets that are no text. */
static size_t line_of(const char *text, size_t offset)
{
    size_t line = 1;

    for (size_t i = 0; i < offset; i++)
        line += text[i] == '\n';
    return line;
}

static int fail_syntax(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem ? parser->problem : "no valid YAML";
    const char *hint = "";

    if (parser->error == YAML_READER_ERROR)
        return config_fail(reader->fault, -EINVAL,
                           "%.150s:%zu: %s; write the file as UTF-8 text without control "
                           "characters",
                           reader->name, line_of(reader->text, parser->problem_offset), problem);
    if (strstr(problem, "cannot start any token"))
        hint = "; indent with spaces, not with tabs, and quote texts that begin with @ or `";
    return config_fail(reader->fault, -EINVAL, "%.150s:%zu: column %zu: %s%s", reader->name,
                       parser->problem_mark.line + 1, parser->problem_mark.column + 1, problem,
                       hint);
}

/* The next event that carries something; anchors, aliases and tags end here. */
static int next(struct reader *reader, yaml_event_t *event)
{
    const char *sentence = NULL;

    if (!yaml_parser_parse(&reader->parser, event))
        return fail_syntax(reader);
    if (event->type == YAML_ALIAS_EVENT)
        sentence = "aliases (*name) are not supported; write the value out";
    else if ((event->type == YAML_SCALAR_EVENT && event->data.scalar.anchor) ||
             (event->type == YAML_MAPPING_START_EVENT && event->data.mapping_start.anchor) ||
             (event->type == YAML_SEQUENCE_START_EVENT && event->data.sequence_start.anchor))
        sentence = "anchors (&name) are not supported; write the value out";
    else if ((event->type == YAML_SCALAR_EVENT && event->data.scalar.tag) ||
             (event->type == YAML_MAPPING_START_EVENT && event->data.mapping_start.tag) ||
             (event->type == YAML_SEQUENCE_START_EVENT && event->data.sequence_start.tag))
        sentence = "tags (!name) are not supported; leave it out";
    if (sentence) {
        int rc = fail_at(reader, &event->start_mark, sentence);

        yaml_event_delete(event);
        return rc;
    }
    return 0;
}

/* The next event that stands before that end: 1, or 0 at the end, or a negative errno. */
static int next_until(struct reader *reader, yaml_event_type_t end, yaml_event_t *event)
{
    const int rc = next(reader, event);

    if (rc != 0 || event->type != end)
        return rc != 0 ? rc : 1;
    yaml_event_delete(event);
    return 0;
}

/* "services[12].name" to "services[].name": as the table calls it. */
static const char *pattern_of(const char *path, struct buf *pattern)
{
    buf_clear(pattern);
    for (const char *c = path; *c; c++) {
        buf_append_char(pattern, *c);
        if (*c == '[')
            c += strcspn(c, "]") - 1;
    }
    return buf_str(pattern);
}

static const struct config_key *key_of(const struct reader *reader)
{
    struct buf pattern = BUF_INIT;
    const struct config_key *key = config_key_find(pattern_of(buf_str(&reader->path), &pattern));

    buf_release(&pattern);
    return key;
}

static int fail_unknown(struct reader *reader, const yaml_mark_t *mark)
{
    struct buf pattern = BUF_INIT;
    struct buf sentence = BUF_INIT;
    const struct config_key *nearest =
        config_key_nearest(pattern_of(buf_str(&reader->path), &pattern));
    int rc = 0;

    buf_printf(&sentence, "there is no such key%s%s (all of them: sse-server default-config)",
               nearest ? "; the nearest is " : "", nearest ? nearest->name : "");
    rc = fail_at(reader, mark, buf_str(&sentence));
    buf_release(&sentence);
    buf_release(&pattern);
    return rc;
}

static bool is_null(const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;

    return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (*text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

static int assign(struct reader *reader, const yaml_mark_t *mark, const char *text)
{
    struct config_assignment assignment = {
        .key = key_of(reader), .index = reader->index, .outer = reader->outer, .text = text};
    struct buf where = BUF_INIT;
    int rc = 0;

    buf_printf(&where, "%.40s:%zu: %s", reader->name, mark->line + 1, buf_str(&reader->path));
    assignment.where = buf_str(&where);
    rc = config_assign(reader->config, &assignment, reader->fault);
    buf_release(&where);
    return rc;
}

static int read_scalar(struct reader *reader, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;

    if (is_null(event))
        return fail_at(reader, &event->start_mark,
                       "has no value; write one, or leave the line out for the default");
    if (strlen(text) != event->data.scalar.length)
        return fail_at(reader, &event->start_mark, "holds a NUL; leave it out");
    return assign(reader, &event->start_mark, text);
}

/* One text of several; the comma is what will part them. */
static int append_text(struct reader *reader, const yaml_event_t *event, struct buf *texts)
{
    const char *text = (const char *)event->data.scalar.value;

    if (event->type != YAML_SCALAR_EVENT || is_null(event) ||
        strlen(text) != event->data.scalar.length || strchr(text, ','))
        return fail_at(reader, &event->start_mark,
                       "must be a list of texts without commas, such as [one, two]");
    buf_printf(texts, "%s%s", texts->length > 0 ? ", " : "", text);
    return 0;
}

static int read_texts(struct reader *reader, const yaml_event_t *start)
{
    struct buf texts = BUF_INIT;
    yaml_event_t event;
    int rc;

    while ((rc = next_until(reader, YAML_SEQUENCE_END_EVENT, &event)) > 0) {
        rc = append_text(reader, &event, &texts);
        yaml_event_delete(&event);
        if (rc != 0)
            break;
    }
    if (rc == 0)
        rc = assign(reader, &start->start_mark, buf_str(&texts));
    buf_release(&texts);
    return rc;
}

static int read_value(struct reader *reader, yaml_event_t *event);

/* Puts the key's name behind the path and remembers it, or says what is wrong with it. */
static int enter_key(struct reader *reader, const yaml_event_t *event, struct buf *seen)
{
    const char *name = (const char *)event->data.scalar.value;
    struct buf entry = BUF_INIT;
    bool again = false;

    if (event->type != YAML_SCALAR_EVENT)
        return fail_at(reader, &event->start_mark, "a key must be a name");
    if (reader->path.length > 0)
        buf_append_char(&reader->path, '.');
    buf_printf(&reader->path, "%.64s", name);
    /* '[' would make the name look like a list's item. */
    if (strlen(name) != event->data.scalar.length || strpbrk(name, ".[]\n") || !key_of(reader))
        return fail_unknown(reader, &event->start_mark);
    buf_printf(&entry, "\n%s\n", name);
    again = strstr(buf_str(seen), buf_str(&entry)) != NULL;
    buf_append_str(seen, buf_str(&entry));
    buf_release(&entry);
    if (again)
        return fail_at(reader, &event->start_mark, "stands there twice; keep one of them");
    return 0;
}

/* Cuts what was put behind the path. */
static void leave(struct reader *reader, size_t length)
{
    reader->path.length = length;
    if (reader->path.data)
        reader->path.data[length] = '\0';
}

static int read_mapping(struct reader *reader)
{
    size_t length = reader->path.length;
    struct buf seen = BUF_INIT;
    yaml_event_t event;
    int rc;

    while ((rc = next_until(reader, YAML_MAPPING_END_EVENT, &event)) > 0) {
        rc = enter_key(reader, &event, &seen);
        yaml_event_delete(&event);
        if (rc == 0)
            rc = next(reader, &event);
        if (rc == 0)
            rc = read_value(reader, &event);
        leave(reader, length);
        if (rc != 0)
            break;
    }
    buf_release(&seen);
    return rc;
}

/* Takes over the event. owner: what the list lies in. */
static int read_item(struct reader *reader, const struct config_list *list, void *owner,
                     yaml_event_t *event)
{
    const unsigned line = (unsigned)event->start_mark.line + 1;
    size_t length = reader->path.length;
    char sentence[80];
    int rc = 0;

    reader->index = config_list_count(owner, list);
    if (reader->index == list->most) {
        snprintf(sentence, sizeof(sentence), "has more than %zu items; leave some out", list->most);
        rc = fail_at(reader, &event->start_mark, sentence);
        yaml_event_delete(event);
        return rc;
    }
    /* Where it stands, for the checks that come when all is read. */
    memcpy(config_list_add(owner, list), &line, sizeof(line));
    buf_printf(&reader->path, "[%zu]", reader->index);
    rc = read_value(reader, event);
    leave(reader, length);
    return rc;
}

static int read_sequence(struct reader *reader)
{
    const struct config_list *list = key_of(reader)->list;
    const size_t index = reader->index;
    const size_t outer = reader->outer;
    void *owner = config_list_owner(reader->config, list, index);
    yaml_event_t event;
    int rc;

    reader->outer = index;
    config_list_clear(owner, list);
    while ((rc = next_until(reader, YAML_SEQUENCE_END_EVENT, &event)) > 0) {
        rc = read_item(reader, list, owner, &event);
        if (rc != 0)
            break;
    }
    reader->index = index;
    reader->outer = outer;
    return rc;
}

/* Whether keys may stand below the path: the root, a section, an item that has keys. */
static bool takes_mapping(const struct reader *reader)
{
    const struct config_key *key = NULL;

    if (reader->path.length == 0)
        return true;
    key = key_of(reader);
    /* An item, "services[]", has no row of its own, or that of its shorthand. */
    return !key || key->type == CONFIG_SECTION || key->is_shorthand;
}

/* Takes over the event. */
static int read_value(struct reader *reader, yaml_event_t *event)
{
    const struct config_key *key = reader->path.length > 0 ? key_of(reader) : NULL;
    const bool is_list = key && key->type == CONFIG_LIST;
    const bool is_head = is_list || (key && key->type == CONFIG_SECTION);
    int rc = 0;

    if (++reader->depth > MAX_DEPTH)
        rc = fail_at(reader, &event->start_mark, "is nested too deeply");
    else if (event->type == YAML_SCALAR_EVENT && key && !is_head)
        rc = read_scalar(reader, event);
    else if (event->type == YAML_SCALAR_EVENT && (is_head || reader->path.length == 0) &&
             is_null(event))
        rc = 0; /* a file, or a section, of comments only */
    else if (event->type == YAML_MAPPING_START_EVENT && takes_mapping(reader))
        rc = read_mapping(reader);
    else if (event->type == YAML_SEQUENCE_START_EVENT && is_list)
        rc = read_sequence(reader);
    else if (event->type == YAML_SEQUENCE_START_EVENT && key && key->type == CONFIG_TEXTS)
        rc = read_texts(reader, event);
    else if (is_list)
        rc = fail_at(reader, &event->start_mark, "must be a list; write \"- …\" lines below it");
    else if (key && key->is_shorthand)
        rc = fail_at(reader, &event->start_mark, "must be a text, or a section of keys");
    else if (takes_mapping(reader))
        rc = fail_at(reader, &event->start_mark,
                     "must be a section; write \"key: value\" lines below it");
    else
        rc = fail_at(reader, &event->start_mark, "must be a single value");
    reader->depth--;
    yaml_event_delete(event);
    return rc;
}

/* One document, or none. */
static int read_documents(struct reader *reader)
{
    yaml_event_t event;
    unsigned documents = 0;
    int rc = 0;

    for (;;) {
        yaml_event_type_t type = YAML_NO_EVENT;

        rc = next(reader, &event);
        if (rc != 0)
            return rc;
        type = event.type;
        if (type == YAML_DOCUMENT_START_EVENT && ++documents > 1) {
            rc = fail_at(reader, &event.start_mark, "a second document begins; keep one");
            yaml_event_delete(&event);
            return rc;
        }
        if (type == YAML_SCALAR_EVENT || type == YAML_MAPPING_START_EVENT ||
            type == YAML_SEQUENCE_START_EVENT)
            rc = read_value(reader, &event);
        else
            yaml_event_delete(&event);
        if (rc != 0 || type == YAML_STREAM_END_EVENT)
            return rc;
    }
}

static int read_yaml(struct config *config, const char *name, const char *text, size_t length,
                     struct config_fault *fault)
{
    struct reader reader = {.config = config, .name = name, .text = text, .fault = fault};
    int rc = 0;

    if (!yaml_parser_initialize(&reader.parser))
        return config_fail(fault, -ENOMEM, "%.150s: no memory to read it", name);
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    /* libyaml skips a byte order mark only where it has to find the encoding. */
    const size_t mark = utf8_mark_length(text, length);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text + mark, length - mark);
    rc = read_documents(&reader);
    yaml_parser_delete(&reader.parser);
    buf_release(&reader.path);
    return rc;
}

int config_read_file(struct config *config, const char *path, struct config_fault *fault)
{
    size_t length;
    char *text = file_read(path, MAX_FILE_BYTES, &length);
    int rc;

    if (!text && errno == EFBIG)
        return config_fail(fault, -EFBIG, "%.150s: is larger than 1 MiB; a configuration is not",
                           path);
    if (!text && (errno == EISDIR || errno == EIO))
        return config_fail(fault, -EIO, "%.150s: cannot be read; it must be a file", path);
    if (!text)
        return config_fail(fault, -errno, "%.150s: cannot be opened: %s", path, strerror(errno));
    config->file = mem_strdup(path);
    rc = read_yaml(config, path, text, length, fault);
    free(text);
    return rc;
}
