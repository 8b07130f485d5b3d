/* The receiving end of the one-way work: checks and counts messages, and reports on request. */
#include "sink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void next_message(struct sink *sink)
{
    sink->offset = 0;
    sink->as_expected = sink->as_question = true;
}

void sink_start(struct sink *sink, size_t message_size, struct content content)
{
    *sink = (struct sink){.content = content,
                          .expected = stream_make(HIXIE_76, FROM_CLIENT, message_size, content)};
    sink->question_length =
        content_write(content, SINK_QUESTION, sink->question, sizeof sink->question);
    next_message(sink);
}

void sink_stop(struct sink *sink)
{
    free(sink->expected.bytes);
    sink->expected.bytes = NULL;
}

static bool same(const unsigned char *payload, size_t length, const void *expected, size_t size,
                 size_t offset)
{
    return length <= size - offset &&
           !memcmp(payload, (const unsigned char *)expected + offset, length);
}

void sink_piece(struct sink *sink, const unsigned char *payload, size_t length)
{
    const struct stream *expected = &sink->expected;
    size_t turn = (size_t)((sink->good + sink->wrong) % expected->messages);
    if (sink->as_question)
        sink->as_question = same(payload, length, sink->question, sink->question_length,
                                 sink->offset);
    if (sink->as_expected)
        sink->as_expected =
            same(payload, length, expected->bytes + turn * expected->frame + expected->header,
                 expected->frame - expected->header - 1, sink->offset);
    sink->offset += length;
}

size_t sink_message_end(struct sink *sink, char report[SINK_REPORT_MAX])
{
    const struct stream *expected = &sink->expected;
    size_t length = 0;
    if (sink->as_question && sink->offset == sink->question_length) {
        char counts[SINK_REPORT_MAX];
        snprintf(counts, sizeof counts, "%" PRIu64 " %" PRIu64, sink->good, sink->wrong);
        length = content_write(sink->content, counts, report, SINK_REPORT_MAX);
    } else if (sink->as_expected && sink->offset == expected->frame - expected->header - 1)
        sink->good++;
    else
        sink->wrong++;
    next_message(sink);
    return length;
}
