"""The rule language: what its reader refuses, what its engine decides, and how surely."""
