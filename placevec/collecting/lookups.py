"""Keeps the answers to lookups beside the photos, so that no later run asks again."""

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, Self, TypeVar

from placevec.collecting.client.errors import ServiceError, TryAgainError
from placevec.collecting.json_lines import JsonLines

LOOKUPS_FILE = "lookups.jsonl"

Answer = TypeVar("Answer")


class Lookups(Generic[Answer]):
    """The answers of a folder. Inside a `with` block, new answers are also written to it.

    Args:
        folder: Path. It must exist when the block begins.
        read: callable. Converts the bytes of an answer to a value, or raises `TryAgainError` or
            `ServiceError`; such an answer is not kept.
        write: callable. Converts a value of `read` to a text that `read` understands. Only this
            text is kept of what a service sent.
    """

    def __init__(
        self, folder: Path, read: Callable[[bytes], Answer], write: Callable[[Answer], str]
    ):
        self._lines = JsonLines(folder / LOOKUPS_FILE)
        self._read = read
        self._write = write
        self._is_entered = False
        self._answers: dict[str, Answer] = {}
        for line in self._lines.read():
            question, body = line.get("question"), line.get("answer")
            if isinstance(question, str) and isinstance(body, str):
                with contextlib.suppress(TryAgainError, ServiceError):
                    self._answers[question] = read(body.encode("utf-8", "replace"))

    def __enter__(self) -> Self:
        self._lines.__enter__()
        self._is_entered = True
        return self

    def __exit__(self, *error: object) -> None:
        self._is_entered = False
        self._lines.__exit__(*error)

    def __getitem__(self, question: str) -> Answer:
        return self._answers[question]

    def unanswered(self, questions: Iterable[str]) -> list[str]:
        """Returns the questions that are still to ask, each once."""
        return [each for each in dict.fromkeys(questions) if each not in self._answers]

    def keep(self, question: str, body: bytes) -> Answer:
        """Reads an answer and keeps it.

        Args:
            question: str. The question, without a key.
            body: bytes. The answer.
        """
        answer = self._read(body)
        self._answers[question] = answer
        if self._is_entered:
            self._lines.add({"question": question, "answer": self._write(answer)})
        return answer
