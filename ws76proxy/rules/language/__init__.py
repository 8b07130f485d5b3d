"""The rule language as types: msgspec checks files by them and makes the JSON Schema of them."""
