/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of session tickets: which one encrypts, which ones decrypt, and for how long. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test_clock.h"
#include "h2/tls.h"
#include "support/test.h"

enum { FAILED = -1, NOT_OURS = 0, READY = 1, READY_AND_OLD = 2 };
#define HOUR 3600L

struct ticket {
    unsigned char name[16];
    unsigned char iv[EVP_MAX_IV_LENGTH];
    unsigned char text[64], tag[32];
    int length;
};

static const unsigned char secret[] = "what only the keys can open";

static EVP_MAC_CTX *new_mac(void)
{
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);

    EVP_MAC_free(hmac);
    return mac;
}

static void sign(EVP_MAC_CTX *mac, const struct ticket *ticket, unsigned char tag[32])
{
    size_t length;

    assert_int_equal(EVP_MAC_init(mac, NULL, 0, NULL), 1);
    EVP_MAC_update(mac, ticket->text, (size_t)ticket->length);
    assert_int_equal(EVP_MAC_final(mac, tag, &length, 32), 1);
    assert_int_equal(length, 32);
}

static struct ticket encrypt(struct h2_tickets *tickets)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    EVP_MAC_CTX *mac = new_mac();
    struct ticket ticket = {.length = 0};
    int rest = 0;

    assert_int_equal(h2_tickets_ready(tickets, ticket.name, ticket.iv, cipher, mac, 1), READY);
    EVP_EncryptUpdate(cipher, ticket.text, &ticket.length, secret, sizeof(secret));
    EVP_EncryptFinal_ex(cipher, ticket.text + ticket.length, &rest);
    ticket.length += rest;
    sign(mac, &ticket, ticket.tag);
    EVP_CIPHER_CTX_free(cipher);
    EVP_MAC_CTX_free(mac);
    return ticket;
}

/* What h2_tickets_ready() says; where it is ready, the ticket must open. */
static int decrypt(struct h2_tickets *tickets, struct ticket *ticket)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    EVP_MAC_CTX *mac = new_mac();
    int result = h2_tickets_ready(tickets, ticket->name, ticket->iv, cipher, mac, 0);
    unsigned char text[64], tag[32];
    int length = 0, rest = 0;

    if (result == READY || result == READY_AND_OLD) {
        sign(mac, ticket, tag);
        assert_memory_equal(tag, ticket->tag, sizeof(tag));
        EVP_DecryptUpdate(cipher, text, &length, ticket->text, ticket->length);
        assert_int_equal(EVP_DecryptFinal_ex(cipher, text + length, &rest), 1);
        assert_memory_equal(text, secret, sizeof(secret));
    }
    EVP_CIPHER_CTX_free(cipher);
    EVP_MAC_CTX_free(mac);
    return result;
}

static void pass(long seconds)
{
    assert_true(test_clock_advance((uint64_t)seconds * 1000, (uint64_t)seconds * 1000));
}

static void test_rotation(void **state)
{
    struct h2_tickets *tickets = h2_tickets_new();
    struct ticket first = encrypt(tickets), second, third;

    (void)state;
    assert_int_equal(decrypt(tickets, &first), READY);
    pass(11 * HOUR);
    assert_int_equal(decrypt(tickets, &first), READY);
    second = encrypt(tickets);
    assert_memory_equal(second.name, first.name, sizeof(first.name));
    pass(HOUR);
    assert_int_equal(decrypt(tickets, &first), READY_AND_OLD);
    second = encrypt(tickets);
    assert_memory_not_equal(second.name, first.name, sizeof(first.name));
    assert_int_equal(decrypt(tickets, &second), READY);
    pass(12 * HOUR);
    third = encrypt(tickets);
    assert_int_equal(decrypt(tickets, &first), READY_AND_OLD);
    assert_int_equal(decrypt(tickets, &second), READY_AND_OLD);
    pass(12 * HOUR); /* a ticket of the first key cannot be valid any more */
    (void)encrypt(tickets);
    assert_int_equal(decrypt(tickets, &first), NOT_OURS);
    assert_int_equal(decrypt(tickets, &second), READY_AND_OLD);
    assert_int_equal(decrypt(tickets, &third), READY_AND_OLD);
    h2_tickets_unref(tickets);
}

static void test_long_rest(void **state)
{
    struct h2_tickets *tickets = h2_tickets_new();
    struct ticket ticket = encrypt(tickets);

    (void)state;
    pass(1000 * HOUR);
    assert_int_equal(decrypt(tickets, &ticket), NOT_OURS);
    h2_tickets_unref(tickets);
}

static char *write_file(const unsigned char *octets, size_t length)
{
    static char path[40];
    int fd;

    snprintf(path, sizeof(path), "/tmp/sse-tickets-XXXXXX");
    fd = mkstemp(path);
    assert_int_equal(write(fd, octets, length), length);
    close(fd);
    return path;
}

static struct h2_tickets *read_keys(const unsigned char *octets, size_t length, char fault[300])
{
    char *path = write_file(octets, length);
    struct h2_tickets *tickets;

    fault[0] = '\0';
    tickets = h2_tickets_read(path, fault, 300);
    if (!tickets)
        assert_non_null(strstr(fault, path));
    unlink(path);
    return tickets;
}

static void check_file(size_t size)
{
    unsigned char octets[3 * 80];
    char fault[300];
    struct h2_tickets *before, *after, *alone;
    struct ticket old, new;

    for (size_t i = 0; i < sizeof(octets); i++)
        octets[i] = (unsigned char)(i * 7 + 1);
    before = read_keys(octets, 2 * size, fault);
    assert_non_null(before);
    old = encrypt(before);
    assert_memory_equal(old.name, octets, 16);
    memmove(octets + size, octets, 2 * size);
    for (size_t i = 0; i < size; i++)
        octets[i] = (unsigned char)(200 - i);
    after = read_keys(octets, size == 48 ? 2 * size : 3 * size, fault);
    new = encrypt(after);
    assert_memory_equal(new.name, octets, 16);
    assert_int_equal(decrypt(after, &old), READY_AND_OLD);
    assert_int_equal(decrypt(after, &new), READY);
    assert_int_equal(decrypt(before, &new), NOT_OURS);
    alone = read_keys(octets, size, fault);
    assert_int_equal(decrypt(alone, &old), NOT_OURS);
    pass(1000 * HOUR); /* whose keys they are decides how long they are good */
    assert_int_equal(decrypt(after, &old), READY_AND_OLD);
    h2_tickets_unref(before);
    h2_tickets_unref(after);
    h2_tickets_unref(alone);
}

static void test_files(void **state)
{
    static const unsigned char octets[80 * 17] = {1};
    static const size_t wrong[] = {0, 1, 47, 49, 79, 81, 128, sizeof(octets)};
    char fault[300];

    (void)state;
    check_file(80);
    check_file(48);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_null(read_keys(octets, wrong[i], fault));
    assert_null(h2_tickets_read("/nonexistent", fault, sizeof(fault)));
    assert_non_null(strstr(fault, "/nonexistent"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rotation),
        cmocka_unit_test(test_long_rest),
        cmocka_unit_test(test_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
