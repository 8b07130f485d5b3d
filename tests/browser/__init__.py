"""Pages in a browser of today: what mitmweb shows of hixie sessions."""
