"""A server and a client of our own, small and right, to show the relay without other programs."""

from ws76proxy.demo.client import converse
from ws76proxy.demo.echo import EchoServer

__all__ = ["EchoServer", "converse"]
