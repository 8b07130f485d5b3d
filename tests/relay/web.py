"""What a relay says of itself: its health, and its metrics as Prometheus reads them."""

from __future__ import annotations

import asyncio

from prometheus_client.parser import text_string_to_metric_families

__all__ = ["Samples", "fetch", "health", "metrics"]

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def fetch(
    port: int, path: str, method: str = "GET", accept: str = ""
) -> tuple[int, str, str]:
    """A page: its status, its head and its body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    fields = f"Host: 127.0.0.1\r\nAccept: {accept}\r\n" if accept else "Host: 127.0.0.1\r\n"
    writer.write(f"{method} {path} HTTP/1.1\r\n{fields}\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition("\r\n\r\n")
    return int(head.split()[1]), head, body


async def health(port: int) -> tuple[int, str]:
    """What `/healthz` says."""
    status, _, body = await fetch(port, "/healthz")
    return status, body


async def metrics(port: int) -> Samples:
    """All figures, by name and labels."""
    status, _, body = await fetch(port, "/metrics")
    assert status == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }
