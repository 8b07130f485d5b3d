"""Sessions whose sides speak different dialects, or one that has to be found out first."""

from ws76proxy.session.bridging.choice import DialectMemory

__all__ = ["DialectMemory"]
