/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: what it answers, where, and with which exit status. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/commands.h"
#include "support/test.h"

struct answer {
    enum command_exit status;
    struct buf out, err;
};

static void read_back(FILE *file, struct buf *to)
{
    char block[4096];

    rewind(file);
    for (size_t got = 0; (got = fread(block, 1, sizeof(block), file)) > 0;)
        buf_append(to, block, got);
    fclose(file);
}

/* Runs the command with standard output and error in files. */
static void run(struct answer *answer, char *const *words)
{
    char *const environment[] = {(char *)"STATE_DIRECTORY=/nowhere", NULL};
    char *arguments[8] = {(char *)"sse-server"};
    FILE *files[2] = {tmpfile(), tmpfile()};
    int saved[2] = {dup(STDOUT_FILENO), dup(STDERR_FILENO)};
    int count = 1;

    while (words[count - 1]) {
        arguments[count] = words[count - 1];
        count++;
    }
    assert_non_null(files[0]);
    assert_non_null(files[1]);
    memset(answer, 0, sizeof(*answer));
    fflush(stdout);
    dup2(fileno(files[0]), STDOUT_FILENO);
    dup2(fileno(files[1]), STDERR_FILENO);
    optind = 0; /* glibc: begin anew */
    answer->status = command_run(count, arguments, environment);
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        dup2(saved[i], STDOUT_FILENO + i);
        close(saved[i]);
    }
    read_back(files[0], &answer->out);
    read_back(files[1], &answer->err);
}

static void release(struct answer *answer)
{
    buf_release(&answer->out);
    buf_release(&answer->err);
}

static void what_is_asked_goes_to_standard_output(void **state)
{
    static const struct {
        char *words[4];
        const char *holds;
    } cases[] = {
        {{(char *)"help"}, "make-cert [NAME]..."},
        {{(char *)"--help"}, "--config FILE"},
        {{(char *)"-h"}, "usage: sse-server"},
        {{(char *)"help", (char *)"make-cert"}, "--out DIRECTORY"},
        {{(char *)"make-cert", (char *)"--help"}, "--out DIRECTORY"},
        {{(char *)"version"}, "sse-server "},
        {{(char *)"-V"}, "sse-server "},
        {{(char *)"--version"}, "sse-server "},
        {{(char *)"make-key"}, "\nhash sha256:"},
        {{(char *)"default-config"}, "queueBytes: 1MiB"},
        {{(char *)"check-config"},
         "OK\nlistener https://localhost:8443 (development certificate)\nservice demo at "
         "/sse/demo"},
        {{(char *)"check-config", (char *)"--listen", (char *)"http://127.0.0.1:1"},
         "OK\nlistener http://127.0.0.1:1 (no TLS)\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer answer;

        run(&answer, cases[i].words);
        assert_int_equal(answer.status, COMMAND_DONE);
        assert_non_null(strstr(buf_str(&answer.out), cases[i].holds));
        assert_int_equal(answer.err.length, 0);
        release(&answer);
    }
}

static void misuse_is_told_on_standard_error(void **state)
{
    static const struct {
        char *words[5];
        const char *holds;
    } cases[] = {
        {{(char *)"chek-config"},
         "there is no command \"chek-config\"; the nearest is check-config"},
        {{(char *)"--bogus"}, "Try: sse-server --help"},
        {{(char *)"--config"}, "Try: sse-server --help"},
        {{(char *)"help", (char *)"me"}, "there is no command \"me\""},
        {{(char *)"help", (char *)"help", (char *)"me"}, "too many arguments"},
        {{(char *)"version", (char *)"me"}, "too many arguments"},
        {{(char *)"backup"}, "needs the file to write"},
        {{(char *)"check-config", (char *)"a", (char *)"b"}, "too many arguments"},
        {{(char *)"--out", (char *)"/tmp"}, "--out is for make-cert only"},
        {{(char *)"version", (char *)"--out=/tmp"}, "--out is for make-cert only"},
        {{(char *)"--workers", (char *)"many"}, "--workers: \"many\" is not a whole number"},
        {{(char *)"--log-level=loud"}, "--log-level: \"loud\" is not known; use debug, "},
        {{(char *)"--listen", (char *)"*:1"}, "allowDevelopmentRemote: true"},
        {{(char *)"--config", (char *)"/nowhere.yaml"}, "/nowhere.yaml: cannot be opened"},
        {{(char *)"check-config", (char *)"/nowhere.yaml"}, "/nowhere.yaml: cannot be opened"},
        {{(char *)"make-key", (char *)"secret"}, "can be seen by others"},
        {{(char *)"make-cert", (char *)"a,b", (char *)"--out", (char *)"/tmp"}, "is no name for"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer answer;

        run(&answer, cases[i].words);
        assert_int_equal(answer.status, COMMAND_MISUSED);
        assert_non_null(strstr(buf_str(&answer.err), cases[i].holds));
        assert_int_equal(answer.out.length, 0);
        release(&answer);
    }
}

static void make_cert_names_its_files(void **state)
{
    char directory[] = "/tmp/test-commands-XXXXXX";
    char *words[] = {(char *)"make-cert", (char *)"--out", directory, (char *)"dev.test", NULL};
    struct answer answer;
    char expected[256], path[96];

    (void)state;
    assert_non_null(mkdtemp(directory));
    run(&answer, words);
    assert_int_equal(answer.status, COMMAND_DONE);
    snprintf(expected, sizeof(expected),
             "certificate %s/development-cert.pem\nkey %s/development-key.pem\n", directory,
             directory);
    assert_string_equal(buf_str(&answer.out), expected);
    release(&answer);
    snprintf(path, sizeof(path), "%s/development-cert.pem", directory);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof(path), "%s/development-key.pem", directory);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0); /* and nothing else lay there */
}

static void a_place_that_cannot_be_written_is_a_failure(void **state)
{
    char *words[] = {(char *)"make-cert", (char *)"--out", (char *)"/dev/null/x", NULL};
    struct answer answer;

    (void)state;
    run(&answer, words);
    assert_int_equal(answer.status, COMMAND_FAILED);
    assert_non_null(strstr(buf_str(&answer.err), "/dev/null"));
    release(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_goes_to_standard_output),
        cmocka_unit_test(misuse_is_told_on_standard_error),
        cmocka_unit_test(make_cert_names_its_files),
        cmocka_unit_test(a_place_that_cannot_be_written_is_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
