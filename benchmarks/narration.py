"""What a benchmark says on standard error while it works: one line that changes, or many."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console

if TYPE_CHECKING:
    from rich.status import Status


class Narration:
    """A context manager; call it with what goes on now."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False)
        self._status: Status | None = None

    def __call__(self, text: str) -> None:
        """Say `text`, in the place of what was said before where a person watches."""
        if self._status is None:
            self._console.print(text, soft_wrap=True)
        else:
            self._status.update(text.replace("[", "\\["))

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status("starting")
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()
