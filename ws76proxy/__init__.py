"""A debugging intercepting proxy for the WebSockets of 2009 to 2011: hixie-76 and hixie-75."""

__version__ = "0.1.0"
__all__ = ["__version__"]
