"""What mkdocs does not do by itself: the Python reference, and links that leave the docs."""

import ast
import re
import textwrap
from pathlib import Path

import griffe
from mkdocs.structure.files import File

_PACKAGE = "placevec"


class ExamplesAsCode(griffe.Extension):
    """Shows the lines below `Example:` in a docstring as code."""

    def on_instance(self, *, obj, **_):
        """Indents the example, which makes it a section that griffe knows."""
        if obj.docstring:
            obj.docstring.value = re.sub(
                r"^Example:\n+(.*?)(?=\n+[A-Z]\w+:\n|\Z)", _as_section, obj.docstring.value,
                flags=re.MULTILINE | re.DOTALL,
            )  # fmt: skip


def on_files(files, config):
    """Adds a page for each room that has public names.

    Args:
        files: mkdocs Files.
        config: mkdocs config.
    """
    for room in _rooms(config):
        text = f"# {_PACKAGE}.{room.name}\n\n{_first_line(room)}\n\n"
        text += "".join(f"::: {_PACKAGE}.{room.name}.{name}\n\n" for name in _public_names(room))
        files.append(File.generated(config, f"api/{room.name}.md", content=text))
    return files


def on_page_markdown(markdown, page, config, **_):
    """Returns a page whose links stay inside of the site; the reference gets its table of rooms.

    Args:
        markdown: str. The page.
        page: mkdocs Page.
        config: mkdocs config.

    Raises:
        FileNotFoundError: If a link leads to no file.
    """
    if page.file.src_uri == "api.md":
        rows = [f"| [{room.name}](api/{room.name}.md) | {_first_line(room)} |\n"
                for room in _rooms(config)]  # fmt: skip
        return markdown + "\n| room | what it is for |\n|---|---|\n" + "".join(rows)
    docs = Path(config.docs_dir)
    folder = (docs / page.file.src_uri).parent

    def named(link):
        words, target = link.groups()
        path = (folder / target.split("#")[0]).resolve()
        if path.is_relative_to(docs):
            return link.group()
        if not path.exists():
            raise FileNotFoundError(f"{page.file.src_uri} links to {target}, which does not exist")
        name = f"`{path.relative_to(docs.parent)}`"
        return name if words.strip("`") in name else f"{words} ({name})"

    return re.sub(r"(?<!!)\[([^\]]*)\]\((?!https?:|#)([^)]+)\)", named, markdown)


def _as_section(example):
    code = textwrap.indent(textwrap.dedent(example.group(1)), "    ")
    return f"Examples:\n{code}\n"


def _rooms(config):
    rooms = sorted((Path(config.docs_dir).parent / _PACKAGE).glob("*/__init__.py"))
    return [path.parent for path in rooms if _public_names(path.parent)]


def _first_line(room):
    return ast.get_docstring(ast.parse((room / "__init__.py").read_text())).split("\n")[0]


def _public_names(room):
    """Returns what the room hands out of its own files: `from ... import name as name`."""
    return [alias.name for node in ast.walk(ast.parse((room / "__init__.py").read_text()))
            if isinstance(node, ast.ImportFrom)
            and (node.module or "").startswith(f"{_PACKAGE}.{room.name}.")
            for alias in node.names if alias.asname == alias.name]  # fmt: skip
