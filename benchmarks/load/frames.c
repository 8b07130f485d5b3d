/* The messages that both ends of the benchmark know, as the bytes of either dialect. */
#include "frames.h"
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_START "{\"hop\":%u,\"text\":\""
#define JSON_END "\"}"

/* 23 bytes each, which with eight digits and a space make a line. */
static const char WORDS[TEXTS][MESSAGE_LINE - 9 + 1] = {
    [ASCII] = "the quick brown fox ok.",
    [BMP] = "Gr\u00fc\u00dfe, \u4e16\u754c \u20ac ok.",
    [ASTRAL] = "Gr\u00fc\u00dfe, \u4e16\u754c \U0001f600 ok",
};

const char *const TEXT_NAMES[TEXTS] = {[ASCII] = "ascii", [BMP] = "bmp", [ASTRAL] = "astral"};

const char *const DIALECT_NAMES[DIALECTS] = {[HIXIE_76] = "hixie-76", [RFC_6455] = "rfc6455"};

enum dialect dialect_named(const char *name)
{
    enum dialect dialect = 0;
    while (dialect < DIALECTS && strcmp(DIALECT_NAMES[dialect], name))
        dialect++;
    return dialect;
}

enum text text_named(const char *name)
{
    enum text text = 0;
    while (text < TEXTS && strcmp(TEXT_NAMES[text], name))
        text++;
    return text;
}

/* A client must choose its masks unpredictably; the load generator need not, and a constant one
   lets it prepare its frames once. */
static const unsigned char MASK[MASK_SIZE] = {0x37, 0xfa, 0x21, 0x3d};

/* Enough messages a period that its end, which cuts a write in two, comes seldom. */
enum { PERIOD_SIZE = 128 << 10 };

static void fill_lines(unsigned char *out, size_t size, size_t index, enum text text)
{
    char line[MESSAGE_LINE + 1];
    size_t lines = (size + MESSAGE_LINE - 1) / MESSAGE_LINE;
    for (size_t i = 0; i < lines; i++) {
        size_t left = size - i * MESSAGE_LINE;
        snprintf(line, sizeof line, "%08zx %s", (index * lines + i) & 0xffffffff,
                 WORDS[text]);
        memcpy(out + i * MESSAGE_LINE, line, left < MESSAGE_LINE ? left : MESSAGE_LINE);
    }
}

size_t content_start(struct content content, char *out, size_t size)
{
    *out = '\0';
    return content.json ? (size_t)snprintf(out, size, JSON_START, content.hop) : 0;
}

static void fill_message(unsigned char *out, size_t size, size_t index, struct content content)
{
    char start[MESSAGE_LINE];
    if (!content.json) {
        fill_lines(out, size, index, content.text);
        return;
    }
    /* Between start and end 13 bytes of a line are left, and whole lines. 13 bytes end between
       two characters, whatever the text: the digits, a space and four bytes of its words. */
    size_t length = content_start(content, start, sizeof start);
    memcpy(out, start, length);
    fill_lines(out + length, size - length - strlen(JSON_END), index, content.text);
    memcpy(out + size - strlen(JSON_END), JSON_END, strlen(JSON_END));
}

size_t content_write(struct content content, const char *text, char *out, size_t size)
{
    if (!content.json)
        return (size_t)snprintf(out, size, "%s", text);
    return (size_t)snprintf(out, size, JSON_START "%s" JSON_END, content.hop, text);
}

void apply_mask(unsigned char *bytes, size_t length, const unsigned char mask[MASK_SIZE],
                size_t phase)
{
    unsigned char turned[sizeof(uint64_t)];
    uint64_t word, key;
    for (size_t i = 0; i < sizeof turned; i++)
        turned[i] = mask[(phase + i) % MASK_SIZE];
    memcpy(&key, turned, sizeof key);
    for (; length >= sizeof word; bytes += sizeof word, length -= sizeof word) {
        memcpy(&word, bytes, sizeof word);
        word ^= key;
        memcpy(bytes, &word, sizeof word);
    }
    for (size_t i = 0; i < length; i++)
        bytes[i] ^= turned[i];
}

static size_t rfc6455_frame(unsigned char opcode, enum sender sender, const void *payload,
                            size_t length, unsigned char *out)
{
    size_t used = 0, wide = length < 126 ? 0 : length < 65536 ? 2 : 8;
    unsigned char masked = sender == FROM_CLIENT ? 0x80 : 0;
    out[used++] = 0x80 | opcode;
    out[used++] = masked | (wide ? (wide == 2 ? 126 : 127) : (unsigned char)length);
    while (wide--)
        out[used++] = (unsigned char)((uint64_t)length >> 8 * wide);
    if (masked) {
        memcpy(out + used, MASK, MASK_SIZE);
        used += MASK_SIZE;
    }
    memcpy(out + used, payload, length);
    if (masked)
        apply_mask(out + used, length, MASK, 0);
    return used + length;
}

size_t frame_text(enum dialect dialect, enum sender sender, const void *payload, size_t length,
                  unsigned char *out)
{
    if (dialect == RFC_6455)
        return rfc6455_frame(0x1, sender, payload, length, out);
    out[0] = 0x00;
    memcpy(out + 1, payload, length);
    out[1 + length] = 0xff;
    return length + 2;
}

const unsigned char *frame_payload(enum dialect dialect, const unsigned char *bytes,
                                   size_t length, size_t *size)
{
    if (dialect == RFC_6455) {
        *size = length < 2 ? 0 : bytes[1];
        return length >= 2 && bytes[0] == 0x81 && *size < 126 && length >= 2 + *size ? bytes + 2
                                                                                    : NULL;
    }
    const unsigned char *end = length ? memchr(bytes, 0xff, length) : NULL;
    if (!end || bytes[0] != 0x00)
        return NULL;
    *size = (size_t)(end - bytes) - 1;
    return bytes + 1;
}

size_t frame_close(enum dialect dialect, enum sender sender, unsigned char *out)
{
    static const unsigned char NORMAL_CLOSURE[] = {0x03, 0xe8};
    if (dialect == RFC_6455)
        return rfc6455_frame(0x8, sender, NORMAL_CLOSURE, sizeof NORMAL_CLOSURE, out);
    out[0] = 0xff;
    out[1] = 0x00;
    return 2;
}

struct stream stream_make(enum dialect dialect, enum sender sender, size_t message_size,
                          struct content content)
{
    struct stream stream = {.messages = PERIOD_SIZE / message_size};
    if (!stream.messages)
        stream.messages = 1;
    unsigned char *message = malloc(message_size);
    stream.bytes = malloc(stream.messages * (message_size + OVERHEAD_MAX));
    if (!message || !stream.bytes)
        leave(EXIT_FAILURE, "out of memory");
    for (size_t i = 0; i < stream.messages; i++) {
        fill_message(message, message_size, i, content);
        stream.frame =
            frame_text(dialect, sender, message, message_size, stream.bytes + stream.length);
        stream.length += stream.frame;
    }
    stream.header = stream.frame - message_size - (dialect == HIXIE_76);
    free(message);
    return stream;
}
