"""Many relay processes as one: workers, what they count together, and whether they are well."""
