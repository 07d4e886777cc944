"""Errors of a file system that did not answer: they say nothing about the file, and asking again may help."""

import errno

HICCUPS = {errno.EIO, errno.EAGAIN, errno.EBUSY, errno.ESTALE, errno.ETIMEDOUT, errno.EINTR, errno.ENETDOWN}


def is_hiccup(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in HICCUPS
