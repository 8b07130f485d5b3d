/* Takes the frames of an RFC 6455 server apart, whatever way it has chosen to frame a message. */
#include "deframe.h"

enum { FIN = 0x80, RESERVED = 0x70, MASKED = 0x80, CONTINUATION = 0x0, TEXT = 0x1, PING = 0x9, PONG = 0xa };

static bool header_is_whole(const struct deframer *d)
{
    unsigned wide = d->header[1] & 0x7f;
    return d->header_length >= 2 + (wide == 127 ? 8 : wide == 126 ? 2 : 0u);
}

static bool is_control(const struct deframer *d)
{
    return d->header[0] & 0x08;
}

static const char *header_fault(const struct deframer *d)
{
    unsigned opcode = d->header[0] & 0x0f;
    if (d->header[0] & RESERVED)
        return "a frame with reserved bits set";
    if (d->header[1] & MASKED)
        return "a masked frame of a server";
    if (opcode == PING || opcode == PONG)
        return d->payload_left < 126 && d->header[0] & FIN ? NULL : "no control frame is so big";
    if (opcode != (d->in_message ? CONTINUATION : TEXT))
        return d->in_message ? "another frame in the middle of a message"
                             : "a frame that is no text frame";
    return NULL;
}

static const char *header_done(struct deframer *d, struct piece *piece)
{
    d->payload_left = d->header_length > 2 ? 0 : d->header[1];
    for (size_t i = 2; i < d->header_length; i++)
        d->payload_left = d->payload_left << 8 | d->header[i];
    d->in_payload = true;
    const char *fault = header_fault(d);
    if (!fault && !is_control(d)) {
        piece->starts = !d->in_message;
        d->in_message = true;
    }
    return fault;
}

size_t deframe(struct deframer *d, const unsigned char *bytes, size_t length, struct piece *piece,
               const char **fault)
{
    size_t used = 0;
    *piece = (struct piece){.payload = bytes};
    *fault = NULL;
    while (!d->in_payload) {
        if (used == length)
            return used;
        d->header[d->header_length++] = bytes[used++];
        if (d->header_length >= 2 && header_is_whole(d) && (*fault = header_done(d, piece)))
            return used;
    }
    size_t taken = length - used < d->payload_left ? length - used : (size_t)d->payload_left;
    if (!is_control(d)) {
        piece->payload = bytes + used;
        piece->length = taken;
    }
    d->payload_left -= taken;
    if (!d->payload_left) {
        piece->ends = !is_control(d) && d->header[0] & FIN;
        d->in_message = d->in_message && !piece->ends;
        d->in_payload = false;
        d->header_length = 0;
    }
    return used + taken;
}
