"""Reads Parquet files, after comparing the footer with limits.

A Parquet file of a kilobyte can hold millions of rows of a long text, because equal values are
stored once.
"""

import contextlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from placevec.input_file import open_input, shown
from placevec.sources.tables.rows.csv_file import (
    CHUNK,
    refuse_many_rows,
    refuse_repeated_columns,
)

if TYPE_CHECKING:
    import pyarrow

_MAX_BYTES = 20_000_000_000
_PLAIN_BYTES = 200_000_000  # that any file may unpack to
_LARGEST_RATIO = 100  # of unpacked bytes to bytes in the file, beyond that
_LONGEST_TEXT = 10_000  # bytes


def parquet_columns(table_path: Path) -> list[str]:
    """Returns the names of the columns of a Parquet file.

    Raises:
        ValueError: If it is not a Parquet file.
    """
    from pyarrow import parquet

    with _one_line_errors(table_path), open_input(table_path, max_bytes=_MAX_BYTES) as file:
        return parquet.read_schema(file).names


def parquet_chunks(table_path: Path, wanted: Collection[str]) -> Iterator[dict[str, list]]:
    """Yields the cells of a Parquet file by column, a number of rows at a time; at least once.

    Args:
        table_path: Path. The file.
        wanted: collection of str. The columns to read; other columns have no cells.

    Yields:
        Column -> its cells, in the order of the file.

    Raises:
        ValueError: If it is not a Parquet file, a column appears twice or has lists, or a limit is
            exceeded: 20 GB, 50 million rows, 10,000 bytes per text, 100 times its size when
            unpacked (200 MB are always accepted).
    """
    import pyarrow
    from pyarrow import parquet

    with _one_line_errors(table_path), open_input(table_path, max_bytes=_MAX_BYTES) as opened:
        schema = parquet.read_schema(opened)
        refuse_repeated_columns(schema.names, table_path)
        chosen = [column for column in wanted if column in schema.names]
        for column in chosen:
            kind = schema.field(column).type
            if pyarrow.types.is_nested(kind):
                raise ValueError(
                    f"`{column}` of {table_path} must hold one value in each row. Received: "
                    f"{shown(kind, longest=60)}"
                )
            if _is_bytes(kind):
                raise ValueError(
                    f"`{column}` of {table_path} must hold text or numbers. Received: {kind}. "
                    "Write it as a string"
                )
        opened.seek(0)
        # In a dictionary, equal texts are in memory once, and are measured before they are copied.
        texts = [column for column in chosen if _is_text(schema.field(column).type)]
        with parquet.ParquetFile(opened, read_dictionary=texts) as file:
            _check_footer(file.metadata, chosen, table_path)
            yield {column: [] for column in schema.names}
            for batch in file.iter_batches(CHUNK, columns=chosen):
                yield {column: _cells(batch, column, table_path) for column in chosen}


def _check_footer(
    footer: "pyarrow.parquet.FileMetaData", columns: list[str], table_path: Path
) -> None:
    refuse_many_rows(footer.num_rows, table_path)
    packed = unpacked = 0
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        for at in range(group.num_columns):
            column = group.column(at)
            if column.path_in_schema in columns:
                packed += max(column.total_compressed_size, 0)
                unpacked += max(column.total_uncompressed_size, 0)
    if unpacked > max(_PLAIN_BYTES, _LARGEST_RATIO * packed):
        raise ValueError(
            f"{shown(table_path)} must unpack to at most {_LARGEST_RATIO} times its size. "
            f"Received: {packed:,} bytes that claim {unpacked:,}. Check where the file is from"
        )


def _cells(batch: "pyarrow.RecordBatch", column: str, table_path: Path) -> list:
    import pyarrow
    from pyarrow import compute

    values = batch.column(column)
    texts = values.dictionary if pyarrow.types.is_dictionary(values.type) else values
    if _is_text(texts.type):
        longest = compute.max(compute.binary_length(texts)).as_py() or 0
        if longest > _LONGEST_TEXT:
            raise ValueError(
                f"`{column}` of {shown(table_path)} must hold at most {_LONGEST_TEXT:,} bytes in "
                f"each row. Received: {longest:,}"
            )
    try:
        return values.to_pylist()
    except (ValueError, OverflowError) as error:  # dates that Python does not have, broken texts
        raise ValueError(
            f"`{column}` of {shown(table_path)} holds a value that cannot be read: {shown(error)}"
        ) from None


def _is_text(kind: "pyarrow.DataType") -> bool:
    from pyarrow import types

    return types.is_string(kind) or types.is_large_string(kind)


def _is_bytes(kind: "pyarrow.DataType") -> bool:
    from pyarrow import types

    tests = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary)
    return any(test(kind) for test in tests)


@contextlib.contextmanager
def _one_line_errors(table_path: Path) -> Iterator[None]:
    import pyarrow

    try:
        yield
    except (FileNotFoundError, PermissionError):
        raise
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = shown((str(error).splitlines() or [type(error).__name__])[0])
        raise ValueError(f"{shown(table_path)} is not a complete Parquet file: {reason}") from None
