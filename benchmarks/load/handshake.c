/* The opening handshake, both sides, of hixie-76 and RFC 6455. */
#include "handshake.h"
#include "md5.h"
#include "sha1.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { KEY3_SIZE = 8, RFC6455_KEY_SIZE = 24, RESOURCE_MAX = 64, FIELD_MAX = 256, ACCEPT_SIZE = 28 };

static const char ORIGIN[] = "http://benchmark.example";

/* Challenges published with their responses in the -76 draft. The client knows the responses; the
   server computes them. */
static const struct {
    const char *key1, *key2, *key3, *response;
} VECTORS[] = {
    {"4 @1  46546xW%0l 1 5", "12998 5 Y3 1  .P00", "^n:ds[4U", "8jKS'y:G*Co,Wxa-"},
    {"3e6b263  4 17 80", "17  9 G`ZD9   2 2b 7X 3 /r90", "WjN}|M(6",
     "n`9eBk9z$R8pOtVb"},
    {"18x 6]8vM;54 *(5:  {   U1]8  z [  8", "1_ tx7X d  <  nf  334J702) 7]o}` 0", "Tm[K T2u",
     "fQJ,fN/4F4!~K~MH"},
};

/* RFC 6455, section 1.3. Our client always sends this key, so what it expects can be a constant. A
   relay that is a client itself sends keys of its own: the server derives its answers. */
static const char RFC6455_KEY[] = "dGhlIHNhbXBsZSBub25jZQ==";
static const char RFC6455_ACCEPT[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
static const char RFC6455_GUID[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

static void resource_write(const struct service *service, char out[RESOURCE_MAX])
{
    const struct content *content = &service->content;
    if (!service->sink)
        snprintf(out, RESOURCE_MAX, "/echo");
    else if (content->json)
        snprintf(out, RESOURCE_MAX, "/sink/%zu/%s/json/%u", service->message_size,
                 TEXT_NAMES[content->text], content->hop);
    else
        snprintf(out, RESOURCE_MAX, "/sink/%zu/%s", service->message_size,
                 TEXT_NAMES[content->text]);
}

static bool resource_parse(const char *resource, struct service *service)
{
    struct content *content = &service->content;
    char text[16], written[RESOURCE_MAX];
    *service = (struct service){0};
    if (!strcmp(resource, "/echo"))
        return true;
    int found = sscanf(resource, "/sink/%zu/%15[a-z]/json/%u", &service->message_size, text,
                       &content->hop);
    if (found < 2)
        return false;
    service->sink = true;
    content->json = found == 3;
    content->text = text_named(text);
    if (content->text == TEXTS || content->hop > HOP_MAX ||
        service->message_size < MESSAGE_LINE || service->message_size > MESSAGE_MAX ||
        service->message_size % MESSAGE_LINE)
        return false;
    /* Nothing behind it, and nothing that sscanf is generous with. */
    resource_write(service, written);
    return !strcmp(resource, written);
}

size_t request_write(enum dialect dialect, unsigned vector, uint16_t port,
                     const struct service *service, unsigned char *out)
{
    char resource[RESOURCE_MAX];
    int length;
    resource_write(service, resource);
    if (dialect == RFC_6455)
        length = snprintf((char *)out, HEAD_MAX,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nOrigin: %s\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: %s\r\n\r\n",
                          resource, port, ORIGIN, RFC6455_KEY);
    else
        length = snprintf((char *)out, HEAD_MAX,
                          "GET %s HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
                          "Host: 127.0.0.1:%u\r\nOrigin: %s\r\nSec-WebSocket-Key1: %s\r\n"
                          "Sec-WebSocket-Key2: %s\r\n\r\n%s",
                          resource, port, ORIGIN, VECTORS[vector % 3].key1,
                          VECTORS[vector % 3].key2, VECTORS[vector % 3].key3);
    return (size_t)length;
}

/* The length of a head with its blank line, or 0 while that has not come. */
static size_t head_length(const unsigned char *bytes, size_t length)
{
    const unsigned char *end = memmem(bytes, length, "\r\n\r\n", 4);
    return end ? (size_t)(end - bytes) + 4 : 0;
}

/* Copies the value of a field out of a head that ends with a blank line; false when the head has
   no such field or the value does not fit. */
static bool field(const char *head, const char *name, char value[FIELD_MAX])
{
    size_t name_length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line && line[2]; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, name_length) || line[name_length] != ':')
            continue;
        const char *start = line + name_length + 1;
        const char *end = strstr(start, "\r\n");
        /* One space only: further ones could belong to a key and would count. */
        start += *start == ' ';
        if (!end || end - start >= FIELD_MAX)
            return false;
        memcpy(value, start, (size_t)(end - start));
        value[end - start] = '\0';
        return true;
    }
    return false;
}

static bool field_is(const char *head, const char *name, const char *expected)
{
    char value[FIELD_MAX];
    return field(head, name, value) && !strcmp(value, expected);
}

static const char *hixie76_fault(const char *head, uint16_t port, const struct service *service)
{
    char location[FIELD_MAX], resource[RESOURCE_MAX];
    resource_write(service, resource);
    snprintf(location, sizeof location, "ws://127.0.0.1:%u%s", port, resource);
    if (!field_is(head, "Upgrade", "WebSocket"))
        return "the response lacks 'Upgrade: WebSocket'";
    if (!field_is(head, "Sec-WebSocket-Origin", ORIGIN))
        return "Sec-WebSocket-Origin is not the origin of the client";
    if (!field_is(head, "Sec-WebSocket-Location", location))
        return "Sec-WebSocket-Location is not the URL of the client";
    return NULL;
}

size_t response_check(enum dialect dialect, unsigned vector, uint16_t port,
                      const struct service *service, const unsigned char *head, size_t length,
                      const char **fault)
{
    char text[HEAD_MAX + 1];
    size_t end = head_length(head, length);
    *fault = NULL;
    if (!end) {
        if (length >= HEAD_MAX)
            *fault = "the response head is too long";
        return 0;
    }
    memcpy(text, head, end);
    text[end] = '\0';
    if (strncmp(text, "HTTP/1.1 101 ", 13))
        *fault = "the status is not 101";
    else if (dialect == RFC_6455) {
        if (!field_is(text, "Sec-WebSocket-Accept", RFC6455_ACCEPT))
            *fault = "Sec-WebSocket-Accept is wrong";
        return end;
    } else
        *fault = hixie76_fault(text, port, service);
    if (*fault || length < end + MD5_SIZE)
        return 0;
    if (memcmp(head + end, VECTORS[vector % 3].response, MD5_SIZE))
        *fault = "the digest is wrong";
    return end + MD5_SIZE;
}

/* 5.2 of the draft: the digits, read as one number, divided by the count of spaces. */
static bool key_part(const char *key, unsigned char part[4])
{
    uint64_t number = 0;
    uint32_t spaces = 0;
    for (; *key; key++) {
        if (*key == ' ')
            spaces++;
        else if (*key >= '0' && *key <= '9')
            number = number * 10 + (uint64_t)(*key - '0');
        if (number > UINT32_MAX)
            return false;
    }
    if (!spaces || number % spaces)
        return false;
    number /= spaces;
    for (unsigned i = 0; i < 4; i++)
        part[i] = (unsigned char)(number >> 8 * (3 - i));
    return true;
}

static size_t refuse(struct answer *answer, const char *why, size_t length)
{
    answer->refused = true;
    answer->reply_length = (size_t)snprintf((char *)answer->reply, HEAD_MAX,
                                            "HTTP/1.1 400 %s\r\nConnection: close\r\n"
                                            "Content-Length: 0\r\n\r\n",
                                            why);
    return length;
}

static void accept_write(const char *key, char out[ACCEPT_SIZE + 1])
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char text[RFC6455_KEY_SIZE + sizeof RFC6455_GUID];
    unsigned char digest[SHA1_SIZE + 1] = {0}; /* whole groups of three bytes */
    memcpy(text, key, RFC6455_KEY_SIZE);
    memcpy(text + RFC6455_KEY_SIZE, RFC6455_GUID, sizeof RFC6455_GUID);
    sha1_short(text, sizeof text - 1, digest);
    for (size_t i = 0; i < sizeof digest; i += 3) {
        uint32_t group = (uint32_t)digest[i] << 16 | digest[i + 1] << 8 | digest[i + 2];
        for (unsigned j = 0; j < 4; j++)
            *out++ = DIGITS[group >> (18 - 6 * j) & 0x3f];
    }
    out[-1] = '='; /* of the last group only two bytes are the digest's */
    *out = '\0';
}

static size_t answer_rfc6455(const char *text, size_t end, struct answer *answer)
{
    char key[FIELD_MAX], accept[ACCEPT_SIZE + 1];
    answer->dialect = RFC_6455;
    if (!field(text, "Sec-WebSocket-Key", key) || strlen(key) != RFC6455_KEY_SIZE)
        return refuse(answer, "Neither a hixie-76 nor an RFC 6455 key", end);
    accept_write(key, accept);
    answer->reply_length = (size_t)snprintf((char *)answer->reply, HEAD_MAX,
                                            "HTTP/1.1 101 Switching Protocols\r\n"
                                            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                                            "Sec-WebSocket-Accept: %s\r\n\r\n",
                                            accept);
    return end;
}

size_t request_answer(const unsigned char *head, size_t length, enum dialect only,
                      struct answer *answer)
{
    char text[HEAD_MAX + 1], resource[RESOURCE_MAX], host[FIELD_MAX], origin[FIELD_MAX];
    char key1[FIELD_MAX], key2[FIELD_MAX];
    unsigned char challenge[4 + 4 + KEY3_SIZE];
    size_t end = head_length(head, length);
    answer->refused = false;
    if (!end)
        return length >= HEAD_MAX ? refuse(answer, "Head too long", length) : 0;
    memcpy(text, head, end);
    text[end] = '\0';
    if (sscanf(text, "GET %63s HTTP/1.1\r\n", resource) != 1 ||
        !resource_parse(resource, &answer->service))
        return refuse(answer, "No such resource", end);
    bool has_keys =
        field(text, "Sec-WebSocket-Key1", key1) && field(text, "Sec-WebSocket-Key2", key2);
    if (only != DIALECTS && has_keys != (only == HIXIE_76))
        return refuse(answer, "Not the dialect of this server", end);
    if (!has_keys)
        return answer_rfc6455(text, end, answer);
    if (length < end + KEY3_SIZE)
        return 0;
    answer->dialect = HIXIE_76;
    if (!field(text, "Host", host) || !field(text, "Origin", origin))
        return refuse(answer, "Host or Origin is missing", end);
    if (!key_part(key1, challenge) || !key_part(key2, challenge + 4))
        return refuse(answer, "Not a hixie-76 key", end);
    memcpy(challenge + 8, head + end, KEY3_SIZE);
    answer->reply_length = (size_t)snprintf((char *)answer->reply, HEAD_MAX,
                                            "HTTP/1.1 101 WebSocket Protocol Handshake\r\n"
                                            "Upgrade: WebSocket\r\nConnection: Upgrade\r\n"
                                            "Sec-WebSocket-Origin: %s\r\n"
                                            "Sec-WebSocket-Location: ws://%s%s\r\n\r\n",
                                            origin, host, resource);
    md5_short(challenge, sizeof challenge, answer->reply + answer->reply_length);
    answer->reply_length += MD5_SIZE;
    return end + KEY3_SIZE;
}
