/* The server of the benchmark: echoes, or checks and counts, what hixie-76 and RFC 6455 clients
   send. The resource of a request says which; its keys say which dialect, unless only one is
   spoken: then a relay that was to change the dialect, and did not, is refused. */
#include "handshake.h"
#include "net.h"
#include "sink.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 256 << 10, EVENTS = 256, RFC6455_CLOSE = 0x8, RFC6455_PING = 0x9, RFC6455_PONG = 0xa };

/* What becomes of a frame of RFC 6455. */
enum fate { ECHOED, COUNTED, IGNORED };

struct connection {
    int fd;
    bool open;    /* the opening handshake is over */
    bool closing; /* close as soon as everything is written */
    enum dialect dialect;
    bool sinking;
    struct sink sink;
    /* The request; once open, a frame header of RFC 6455, which may come in pieces. */
    unsigned char head[HEAD_MAX];
    size_t head_length;
    /* What the socket did not take. Nothing more is read until it does, so it is bounded. */
    unsigned char *unsent;
    size_t unsent_length, unsent_offset;
    /* hixie-76: the last four bytes that came; as a sink, whether a text frame is open. */
    uint32_t last_bytes;
    bool in_text;
    /* RFC 6455: the frame that is being received. */
    enum fate fate;
    uint64_t payload_left;
    size_t payload_offset;
};

static int poller;
static enum dialect only = DIALECTS; /* all of them */
static unsigned char input[READ_SIZE];
static unsigned char output[READ_SIZE + HEADER_MAX];

static void connection_close(struct connection *c)
{
    close(c->fd);
    if (c->sinking)
        sink_stop(&c->sink);
    free(c->unsent);
    free(c);
}

static void listen_for(struct connection *c, uint32_t events)
{
    watch(poller, EPOLL_CTL_MOD, c->fd, events, c);
}

/* False when the connection broke. */
static bool write_out(struct connection *c, const unsigned char *bytes, size_t length)
{
    if (!c->unsent_length) {
        ssize_t sent = send(c->fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return false;
        bytes += sent < 0 ? 0 : sent;
        length -= sent < 0 ? 0 : (size_t)sent;
        if (!length)
            return true;
        listen_for(c, EPOLLOUT);
    }
    unsigned char *grown = realloc(c->unsent, c->unsent_length + length);
    if (!grown)
        leave(EXIT_FAILURE, "out of memory");
    memcpy(grown + c->unsent_length, bytes, length);
    c->unsent = grown;
    c->unsent_length += length;
    return true;
}

static bool write_rest(struct connection *c)
{
    ssize_t sent = send(c->fd, c->unsent + c->unsent_offset,
                        c->unsent_length - c->unsent_offset, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN;
    c->unsent_offset += (size_t)sent;
    if (c->unsent_offset == c->unsent_length) {
        c->unsent_offset = c->unsent_length = 0;
        listen_for(c, EPOLLIN);
    }
    return true;
}

static bool message_end(struct connection *c)
{
    char report[SINK_REPORT_MAX];
    unsigned char frame[SINK_REPORT_MAX + OVERHEAD_MAX];
    size_t length = sink_message_end(&c->sink, report);
    return !length ||
           write_out(c, frame, frame_text(c->dialect, FROM_SERVER, report, length, frame));
}

static bool hixie76_sink(struct connection *c, const unsigned char *bytes, size_t length)
{
    const unsigned char *end = bytes + length;
    while (bytes < end) {
        if (!c->in_text) {
            if (*bytes++ != 0x00)
                return false;
            c->in_text = true;
            continue;
        }
        const unsigned char *stop = memchr(bytes, 0xff, (size_t)(end - bytes));
        sink_piece(&c->sink, bytes, (size_t)((stop ? stop : end) - bytes));
        if (!stop)
            return true;
        c->in_text = false;
        bytes = stop + 1;
        if (!message_end(c))
            return false;
    }
    return true;
}

/* Frames are the same in both directions, so bytes are echoed as they came. That also answers the
   closing handshake, FF 00, and after it the stream ends with FF FF 00: no text frame does. */
static bool hixie76_echo(struct connection *c, const unsigned char *bytes, size_t length)
{
    for (size_t i = length < 3 ? 0 : length - 3; i < length; i++)
        c->last_bytes = c->last_bytes << 8 | bytes[i];
    c->closing = (c->last_bytes & 0xffffff) == 0xffff00;
    return write_out(c, bytes, length);
}

static size_t rfc6455_header_length(const unsigned char *header)
{
    unsigned wide = header[1] & 0x7f;
    return 2 + (wide == 127 ? 8 : wide == 126 ? 2 : 0) + (header[1] & 0x80 ? MASK_SIZE : 0);
}

/* Moves bytes from the front of what came to `c->head` until that has a whole header. */
static bool rfc6455_header(struct connection *c, unsigned char **bytes, const unsigned char *end)
{
    while (*bytes < end) {
        size_t wanted = c->head_length < 2 ? 2 : rfc6455_header_length(c->head);
        size_t piece = wanted - c->head_length;
        if (piece > (size_t)(end - *bytes))
            piece = (size_t)(end - *bytes);
        memcpy(c->head + c->head_length, *bytes, piece);
        c->head_length += piece;
        *bytes += piece;
        if (c->head_length >= 2 && c->head_length == rfc6455_header_length(c->head))
            return true;
    }
    return false;
}

static enum fate rfc6455_fate(const struct connection *c)
{
    unsigned opcode = c->head[0] & 0x0f;
    if (opcode == RFC6455_PONG)
        return IGNORED;
    return c->sinking && opcode < RFC6455_CLOSE ? COUNTED : ECHOED;
}

/* Takes the whole header at `c->head`; the same without its mask, of a pong for a ping, goes to
   `out`, and its length is returned. 0 for what no client may send. */
static size_t rfc6455_frame_begin(struct connection *c, unsigned char *out)
{
    unsigned opcode = c->head[0] & 0x0f;
    size_t length = c->head_length - MASK_SIZE;
    if (!(c->head[1] & 0x80) || (opcode > 0x2 && opcode < RFC6455_CLOSE) || opcode > RFC6455_PONG)
        return 0;
    c->payload_left = length > 2 ? 0 : c->head[1] & 0x7f;
    for (size_t i = 2; i < length; i++)
        c->payload_left = c->payload_left << 8 | c->head[i];
    c->payload_offset = 0;
    memcpy(out, c->head, length);
    out[0] ^= opcode == RFC6455_PING ? RFC6455_PING ^ RFC6455_PONG : 0;
    out[1] &= 0x7f;
    return length;
}

/* Echoes whole and short text frames from the front of what came, the bulk of the works with small
   messages, at less cost than one by one below. Returns how many bytes it took. */
static size_t rfc6455_echo_short(const unsigned char *bytes, const unsigned char *end,
                                 unsigned char *out, size_t *used)
{
    const unsigned char *start = bytes;
    const size_t header = 2 + MASK_SIZE;
    unsigned char *to = out + *used;
    while ((size_t)(end - bytes) >= header && bytes[0] == 0x81 && bytes[1] >= 0x80 &&
           bytes[1] < 0x80 + 126 && (size_t)(end - bytes) >= header + (bytes[1] & 0x7f)) {
        size_t size = bytes[1] & 0x7f, at = 0;
        const unsigned char *mask = bytes + 2;
        uint64_t word, key;
        uint32_t half;
        memcpy(&half, mask, MASK_SIZE);
        key = (uint64_t)half << 32 | half;
        *to++ = 0x81;
        *to++ = (unsigned char)size;
        bytes += header;
        for (; at + sizeof word <= size; at += sizeof word) {
            memcpy(&word, bytes + at, sizeof word);
            word ^= key;
            memcpy(to + at, &word, sizeof word);
        }
        for (; at < size; at++)
            to[at] = bytes[at] ^ mask[at % MASK_SIZE];
        to += size;
        bytes += size;
    }
    *used = (size_t)(to - out);
    return (size_t)(bytes - start);
}

static bool rfc6455_input(struct connection *c, unsigned char *bytes, size_t length)
{
    unsigned char *end = bytes + length;
    size_t used = 0;
    bool header_done = c->payload_left > 0;
    while (bytes < end) {
        if (!header_done) {
            if (!c->sinking && !c->head_length)
                bytes += rfc6455_echo_short(bytes, end, output, &used);
            if (!rfc6455_header(c, &bytes, end))
                break;
            size_t header = rfc6455_frame_begin(c, output + used);
            if (!header)
                return false;
            c->fate = rfc6455_fate(c);
            used += c->fate == ECHOED ? header : 0;
            header_done = true;
        }
        size_t piece = (size_t)(end - bytes);
        if (piece > c->payload_left)
            piece = (size_t)c->payload_left;
        apply_mask(bytes, piece, c->head + c->head_length - MASK_SIZE, c->payload_offset);
        if (c->fate == COUNTED) {
            sink_piece(&c->sink, bytes, piece);
        } else if (c->fate == ECHOED) {
            memcpy(output + used, bytes, piece);
            used += piece;
        }
        bytes += piece;
        c->payload_offset += piece;
        c->payload_left -= piece;
        if (!c->payload_left) {
            bool message_done = c->fate == COUNTED && c->head[0] & 0x80;
            header_done = false;
            c->head_length = 0;
            c->closing = (c->head[0] & 0x0f) == RFC6455_CLOSE;
            if (message_done && !message_end(c))
                return false;
        }
    }
    return !used || write_out(c, output, used);
}

static bool messages(struct connection *c, unsigned char *bytes, size_t length)
{
    if (c->dialect == RFC_6455)
        return rfc6455_input(c, bytes, length);
    return c->sinking ? hixie76_sink(c, bytes, length) : hixie76_echo(c, bytes, length);
}

static bool opening(struct connection *c, const unsigned char *bytes, size_t length)
{
    static struct answer answer;
    if (length > HEAD_MAX - c->head_length)
        return false;
    memcpy(c->head + c->head_length, bytes, length);
    c->head_length += length;
    size_t used = request_answer(c->head, c->head_length, only, &answer);
    if (!used)
        return true;
    /* Our client sends nothing before it has the response. */
    if (used != c->head_length && !answer.refused)
        return false;
    c->head_length = 0;
    c->open = true;
    c->closing = answer.refused;
    c->dialect = answer.dialect;
    c->last_bytes = 0xff; /* a closing handshake may come first */
    c->sinking = !answer.refused && answer.service.sink;
    if (c->sinking)
        sink_start(&c->sink, answer.service.message_size, answer.service.content);
    return write_out(c, answer.reply, answer.reply_length);
}

static bool readable(struct connection *c)
{
    ssize_t got = recv(c->fd, input, sizeof input, 0);
    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    return c->open ? messages(c, input, (size_t)got) : opening(c, input, (size_t)got);
}

static void accept_all(int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *c = calloc(1, sizeof *c);
        if (!c)
            leave(EXIT_FAILURE, "out of memory");
        c->fd = fd;
        set_nodelay(fd);
        watch(poller, EPOLL_CTL_ADD, fd, EPOLLIN, c);
    }
    if (errno != EAGAIN && errno != ECONNABORTED)
        leave(EXIT_FAILURE, "accept: %s", strerror(errno));
}

static void serve(int listener)
{
    struct epoll_event events[EVENTS];
    for (;;) {
        int count = epoll_wait(poller, events, EVENTS, -1);
        if (count < 0 && errno != EINTR)
            leave(EXIT_FAILURE, "epoll_wait: %s", strerror(errno));
        for (int i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c) {
                accept_all(listener);
                continue;
            }
            bool alive = events[i].events & EPOLLOUT ? write_rest(c) : readable(c);
            if (!alive || (c->closing && !c->unsent_length))
                connection_close(c);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"port", required_argument, NULL, 'p'},
                                            {"max-seconds", required_argument, NULL, 's'},
                                            {"dialect", required_argument, NULL, 'd'},
                                            {0}};
    uint16_t port = 0;
    unsigned max_seconds = 600;
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        if (option == 'p')
            port = (uint16_t)number_option("--port", optarg, 0, UINT16_MAX);
        else if (option == 's')
            max_seconds = (unsigned)number_option("--max-seconds", optarg, 1, 86400);
        else if (option == 'd' && (only = dialect_named(optarg)) == DIALECTS)
            leave(EXIT_USAGE, "--dialect must be hixie-76 or rfc6455, not '%s'", optarg);
        else if (option != 'd')
            return EXIT_USAGE;
    }
    if (optind < argc)
        leave(EXIT_USAGE, "unexpected argument '%s'", argv[optind]);
    raise_descriptor_limit();
    /* SIGALRM ends a server that whoever started it forgot. */
    alarm(max_seconds);
    int listener = listen_on_loopback(&port);
    poller = epoll_create1(EPOLL_CLOEXEC);
    watch(poller, EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
    fprintf(stderr, "listening on ws://127.0.0.1:%u\n", port);
    serve(listener);
}
