"""Held messages and who decides about them: a control API on a Unix socket, and a prompt.

Import from its modules: who asks over the socket needs nothing of what answers.
"""
