"""The one error class of the package: what was expected, what came, what to do.

And the one warning about what cannot, or should not, be converted as it is.
"""

from __future__ import annotations


class NestError(Exception):
    """A request that cannot be carried out, said in a way that the user can act on.

    Args:
        message: What was expected and what was received, in Keras' grammar
            ("Expected ... Received: ...").
        hint: What to do about it, one sentence; printed on a line of its own.
    """

    def __init__(self, message: str, hint: str | None = None):
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class ConversionWarning(UserWarning):
    """A model that trains but does not convert, or a file that is hardly what is meant.

    `nest` and `convert` warn of it; the text says what was found and what to do.
    """
