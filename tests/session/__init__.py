"""The session: transcripts of whole connections, and generated ones for what must always hold."""
