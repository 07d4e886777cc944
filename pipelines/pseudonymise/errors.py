"""The one error that a data officer meets: what is wrong, where, and what to do next. It never carries a value."""


class InputError(Exception):
    """Something in the input must be put right before anything can be written."""
