/* The receiving end of the one-way work: checks and counts messages, and reports on request. */
#ifndef SINK_H
#define SINK_H

#include "frames.h"

/* A message of just this text asks a sink for its report. */
#define SINK_QUESTION "report"
enum { SINK_QUESTION_MAX = 32, SINK_REPORT_MAX = 64 };

struct sink {
    struct content content;
    char question[SINK_QUESTION_MAX];
    size_t question_length;
    struct stream expected; /* as hixie-76 frames, whatever the dialect */
    uint64_t good, wrong;   /* messages received */
    size_t offset;          /* in the message that is being received */
    bool as_expected, as_question;
};

void sink_start(struct sink *sink, size_t message_size, struct content content);
void sink_stop(struct sink *sink);

/* A piece of the payload of the current message, then its end. The end returns the length of
   the report to send ("GOOD WRONG", as such content), 0 after an ordinary message. */
void sink_piece(struct sink *sink, const unsigned char *payload, size_t length);
size_t sink_message_end(struct sink *sink, char report[SINK_REPORT_MAX]);

#endif
