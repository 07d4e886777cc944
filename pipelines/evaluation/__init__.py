"""The only code that reads an answer key, or plaintext beside what was linked from tokens."""
