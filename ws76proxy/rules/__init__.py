"""Rules that rewrite what passes: their language, and what they decide; pure."""
