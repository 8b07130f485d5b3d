"""The bridge between real peers of both times: today's browser, old servers, and the reverse."""
