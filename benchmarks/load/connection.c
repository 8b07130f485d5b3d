/* One connection of the load client: its states, what it sends, and how it judges what comes. */
#include "connection.h"
#include "net.h"
#include "sink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_SIZE = 256 << 10,
    SENDS_PER_EVENT = 8, /* then look at the clock and at the other connections */
};

struct run run;
static unsigned char input[READ_SIZE];

#define FAIL(...) leave(EXIT_FAILURE, __VA_ARGS__)

uint64_t take_budget(uint64_t wanted, uint64_t now)
{
    if (now >= run.stop_at)
        run.budget = 0;
    if (wanted > run.budget)
        wanted = run.budget;
    run.budget -= wanted;
    run.granted += wanted;
    return wanted;
}

static void set_blocked(struct connection *c, bool blocked)
{
    if (c->blocked != blocked) {
        c->blocked = blocked;
        watch(run.poller, EPOLL_CTL_MOD, c->fd, EPOLLIN | (blocked ? EPOLLOUT : 0), c);
    }
}

static void send_whole(struct connection *c, const void *bytes, size_t length, const char *what)
{
    /* Only for what is small and finds the send buffer empty, or nearly. */
    if (send(c->fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length)
        FAIL("connection %u: %s could not be sent: %s", c->number, what, strerror(errno));
}

void connection_begin(struct connection *c)
{
    *c = (struct connection){.number = c->number, .state = CONNECTING, .blocked = true};
    c->fd = connect_to_loopback(run.settings->port);
    if (c->fd < 0)
        FAIL("connection %u: cannot connect to port %u: %s", c->number, run.settings->port,
             strerror(errno));
    watch(run.poller, EPOLL_CTL_ADD, c->fd, EPOLLIN | EPOLLOUT, c);
    run.opening++;
}

static void send_request(struct connection *c)
{
    unsigned char request[HEAD_MAX];
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error)
        FAIL("connection %u: cannot connect to port %u: %s", c->number, run.settings->port,
             strerror(error));
    set_blocked(c, false);
    c->state = HANDSHAKING;
    send_whole(c, request,
               request_write(run.settings->dialect, c->number, run.settings->port, &run.service,
                             request),
               "the request");
}

static void ask_for_report(struct connection *c)
{
    char question[SINK_QUESTION_MAX];
    unsigned char frame[sizeof question + OVERHEAD_MAX];
    size_t length =
        content_write(run.settings->content, SINK_QUESTION, question, sizeof question);
    set_blocked(c, false);
    c->state = REPORTING;
    c->head_length = 0;
    send_whole(c, frame,
               frame_text(run.settings->dialect, FROM_CLIENT, question, length, frame),
               "the question");
}

static void send_close(struct connection *c)
{
    unsigned char frame[16 + OVERHEAD_MAX];
    c->state = CLOSING;
    c->head_length = 0;
    send_whole(c, frame, frame_close(run.settings->dialect, FROM_CLIENT, frame),
               "the closing handshake");
}

/* Sends as much as is granted and fits; the clock is read only when that can matter. */
static void send_messages(struct connection *c, uint64_t now)
{
    const struct stream *out = &run.outgoing;
    for (int i = 0; i < SENDS_PER_EVENT; i++) {
        uint64_t arrived = run.work.shape == ONE_WAY ? c->sent / out->frame
                                                     : c->received / run.incoming.frame;
        uint64_t on_their_way = c->granted - arrived;
        if (on_their_way < run.work.outstanding)
            c->granted += take_budget(run.work.outstanding - on_their_way, now);
        uint64_t left = c->granted * out->frame - c->sent;
        if (!left) {
            if (run.work.shape == ONE_WAY)
                ask_for_report(c);
            else
                set_blocked(c, false);
            return;
        }
        size_t at = (size_t)(c->sent % out->length);
        size_t piece = left < out->length - at ? (size_t)left : out->length - at;
        if (run.round_trips)
            c->sent_at = now = now_ns();
        ssize_t sent = send(c->fd, out->bytes + at, piece, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            FAIL("connection %u: sending failed: %s", c->number, strerror(errno));
        if (sent > 0)
            c->sent += (uint64_t)sent;
        if (sent < (ssize_t)piece) {
            set_blocked(c, true);
            return;
        }
        if (!run.round_trips)
            now = now_ns();
    }
    set_blocked(c, true);
}

void connection_work(struct connection *c, uint64_t now)
{
    c->state = BUSY;
    if (run.work.shape == CHURN) {
        /* The budget counts connections; this one's was taken when it was begun. */
        c->granted = 1;
        send_whole(c, run.outgoing.bytes, run.outgoing.frame, "the message");
        c->sent = run.outgoing.frame;
        return;
    }
    send_messages(c, now);
}

static void count_round_trip(const struct connection *c, uint64_t now)
{
    if (run.round_trip_count < run.round_trip_max)
        run.round_trips[run.round_trip_count++] =
            now - c->sent_at < UINT32_MAX ? (uint32_t)(now - c->sent_at) : UINT32_MAX;
}

/* Bytes that must be as they are expected. */
static void compare(struct connection *c, const unsigned char *bytes, size_t length)
{
    size_t at = (size_t)(c->received % run.incoming.length);
    const unsigned char *expected = run.incoming.bytes + at;
    if (memcmp(bytes, expected, length)) {
        size_t wrong = 0;
        while (bytes[wrong] == expected[wrong])
            wrong++;
        FAIL("connection %u: the echo differs at byte %" PRIu64 ": %02x instead of %02x",
             c->number, c->received + wrong, bytes[wrong], expected[wrong]);
    }
    c->received += length;
}

/* From here on, messages are taken out of their frames. What was received so far was framed as
   expected, so the beginning of an unfinished frame is known. */
static void expect_other_frames(struct connection *c)
{
    const struct stream *expected = &run.incoming;
    struct piece piece;
    const char *fault;
    size_t begun = (size_t)(c->received % expected->frame);
    size_t start = (size_t)((c->received - begun) % expected->length);
    c->framed_otherwise = true;
    for (size_t used = 0; used < begun;)
        used += deframe(&c->deframer, expected->bytes + start + used, begun - used, &piece, &fault);
    if (begun < expected->header)
        c->received -= begun;
}

static void compare_messages(struct connection *c, const unsigned char *bytes, size_t length)
{
    const size_t frame = run.incoming.frame;
    struct piece piece;
    const char *fault;
    while (length) {
        size_t used = deframe(&c->deframer, bytes, length, &piece, &fault);
        if (fault)
            FAIL("connection %u: %s came: %02x %02x", c->number, fault, c->deframer.header[0],
                 c->deframer.header[1]);
        if (piece.starts) {
            if (c->received == c->granted * frame)
                FAIL("connection %u: more came back than was sent", c->number);
            c->received += run.incoming.header;
        }
        size_t left = c->received % frame ? frame - (size_t)(c->received % frame) : 0;
        if (piece.length > left)
            FAIL("connection %u: the echo has a message that is too long", c->number);
        compare(c, piece.payload, piece.length);
        if (piece.ends && c->received % frame)
            FAIL("connection %u: the echo has a message that is too short", c->number);
        bytes += used;
        length -= used;
    }
}

static void compare_frames(struct connection *c, const unsigned char *bytes, size_t length)
{
    const struct stream *expected = &run.incoming;
    bool too_many = c->received + length > c->granted * expected->frame;
    while (length && !too_many) {
        size_t at = (size_t)(c->received % expected->length);
        size_t piece = length < expected->length - at ? length : expected->length - at;
        if (run.settings->dialect == HIXIE_76)
            compare(c, bytes, piece);
        else if (!memcmp(bytes, expected->bytes + at, piece))
            c->received += piece;
        else
            break;
        bytes += piece;
        length -= piece;
    }
    if (!length)
        return;
    if (run.settings->dialect == HIXIE_76)
        FAIL("connection %u: more came back than was sent", c->number);
    expect_other_frames(c);
    compare_messages(c, bytes, length);
}

/* How many messages have come back whole. The last byte of one need not be the end of its frames. */
static uint64_t returned(const struct connection *c)
{
    uint64_t frame = run.incoming.frame;
    return c->received / frame - (c->deframer.in_message && c->received % frame == 0);
}

static void compare_echo(struct connection *c, const unsigned char *bytes, size_t length)
{
    uint64_t before = returned(c);
    if (c->framed_otherwise)
        compare_messages(c, bytes, length);
    else
        compare_frames(c, bytes, length);
    uint64_t whole = returned(c) - before;
    if (!whole)
        return;
    run.finished += run.work.shape == CHURN ? 0 : whole;
    run.last_at = now_ns();
    if (run.round_trips)
        count_round_trip(c, run.last_at);
    if (run.work.shape == CHURN)
        send_close(c);
    else
        send_messages(c, run.last_at);
}

static void keep(struct connection *c, const unsigned char *bytes, size_t length)
{
    if (length > sizeof c->head - c->head_length)
        FAIL("connection %u: more came than was expected", c->number);
    memcpy(c->head + c->head_length, bytes, length);
    c->head_length += length;
}

static void receive_response(struct connection *c)
{
    const char *fault;
    size_t used = response_check(run.settings->dialect, c->number, run.settings->port,
                                 &run.service, c->head, c->head_length, &fault);
    if (fault)
        FAIL("connection %u: the handshake failed: %s", c->number, fault);
    if (!used)
        return;
    if (used != c->head_length)
        FAIL("connection %u: %zu bytes came after the response", c->number,
             c->head_length - used);
    run.opening--;
    run.open++;
    c->state = IDLE;
    if (run.work.shape == CHURN)
        connection_work(c, now_ns());
}

static void receive_report(struct connection *c)
{
    char report[SINK_REPORT_MAX] = "", start[SINK_REPORT_MAX];
    uint64_t good, wrong;
    size_t size;
    const unsigned char *payload =
        frame_payload(run.settings->dialect, c->head, c->head_length, &size);
    if (!payload)
        return;
    memcpy(report, payload, size < sizeof report ? size : sizeof report - 1);
    size_t before = content_start(run.returned, start, sizeof start);
    if (strncmp(report, start, before) ||
        sscanf(report + before, "%" SCNu64 " %" SCNu64, &good, &wrong) != 2)
        FAIL("the report of the server is not understood: '%s'", report);
    if (wrong || good != c->granted)
        FAIL("of %" PRIu64 " messages %" PRIu64 " arrived, and %" PRIu64 " damaged ones",
             c->granted, good, wrong);
    run.last_at = now_ns();
    run.finished += good;
    c->state = IDLE;
}

/* RFC 6455: a relay may have closed with no code, as hixie-76 does, or with a reason. */
static bool is_close(enum dialect dialect, const unsigned char *frame, size_t length)
{
    static const unsigned char HIXIE76_CLOSE[] = {0xff, 0x00};
    static const unsigned char NORMAL_CLOSURE[] = {0x03, 0xe8};
    if (dialect == HIXIE_76)
        return length == sizeof HIXIE76_CLOSE && !memcmp(frame, HIXIE76_CLOSE, length);
    return length >= 2 && frame[0] == 0x88 && frame[1] < 126 && length == 2u + frame[1] &&
           (frame[1] == 0 || (frame[1] >= 2 && !memcmp(frame + 2, NORMAL_CLOSURE, 2)));
}

static void receive_close(struct connection *c, ssize_t got)
{
    if (got > 0)
        return;
    if (!c->head_length)
        FAIL("connection %u: closed without a closing handshake", c->number);
    if (!is_close(run.settings->dialect, c->head, c->head_length))
        FAIL("connection %u: the closing handshake was not answered as it must be", c->number);
    run.last_at = now_ns();
    run.finished++;
    run.open--;
    close(c->fd);
    if (take_budget(1, run.last_at))
        connection_begin(c);
}

static void receive(struct connection *c)
{
    ssize_t got = recv(c->fd, input, sizeof input, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0 && c->state != CLOSING)
        FAIL("connection %u: the peer closed it: %s", c->number,
             got ? strerror(errno) : "end of stream");
    switch (c->state) {
    case CONNECTING:
    case IDLE:
        FAIL("connection %u: %zd bytes came unasked", c->number, got);
    case BUSY:
        if (run.work.shape == ONE_WAY)
            FAIL("connection %u: %zd bytes came unasked", c->number, got);
        compare_echo(c, input, (size_t)got);
        return;
    case HANDSHAKING:
        keep(c, input, (size_t)got);
        receive_response(c);
        return;
    case REPORTING:
        keep(c, input, (size_t)got);
        receive_report(c);
        return;
    case CLOSING:
        keep(c, input, got > 0 ? (size_t)got : 0);
        receive_close(c, got);
    }
}

void connection_event(struct connection *c, uint32_t events)
{
    if (c->state == CONNECTING)
        send_request(c);
    else if (events & EPOLLOUT && c->state == BUSY)
        send_messages(c, now_ns());
    else
        receive(c);
}
