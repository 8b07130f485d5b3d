"""The cases of the Autobahn test suite, run against RFC 6455 as we speak it."""
