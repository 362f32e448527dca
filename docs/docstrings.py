"""Turns the project's docstrings into reStructuredText.

The docstrings are plain text: paragraphs, lists, equations in indented blocks, code in single
backquotes, and Google's sections. Sphinx would read `*`, `|` and `_` in them as markup.
"""

import re
from collections.abc import Iterator, Sequence

SECTION = re.compile(r"^(Args|Attributes|Returns|Yields|Raises):$")
ITEM = re.compile(r"^([\w*.]+(?:, [\w*.]+)*): (.*)$")
NAME = re.compile(r"(?:lab|envs)(?:\.\w+)+")


def to_rst(lines: Sequence[str]) -> list[str]:
    """The lines of a docstring, without its indentation, as reStructuredText."""
    return list(_blocks(list(lines)))


def of_text(text: str) -> str:
    """A docstring as reStructuredText."""
    return "\n".join(to_rst(text.strip().splitlines()))


def inline(text: str) -> str:
    """A paragraph. Single backquotes become code, and other markup is escaped."""
    parts = re.split(r"(`+[^`]+`+)", text)
    return "".join(_code(part, parts, position) if position % 2 else _escaped(part) for position, part in enumerate(parts))


def _code(part, parts, position):
    content = " ".join(part.strip("`").split())
    marked = f":py:obj:`{content}`" if NAME.fullmatch(content) else f"``{content}``"
    before = "\\ " if re.search(r"\w$", parts[position - 1]) else ""
    after = "\\ " if re.match(r"\w", parts[position + 1]) else ""
    return before + marked + after


def _escaped(text):
    text = text.replace("\\", "\\\\").replace("|", "\\|")
    text = re.sub(r"_(?!\w)", r"\\_", text)
    kept = re.split(r"(?<![\w*])(\*[A-Za-z][A-Za-z -]*[a-z]\*)(?![\w*])", text)  # *emphasis*
    return "".join(part if position % 2 else part.replace("*", "\\*") for position, part in enumerate(kept))


def _blocks(lines) -> Iterator[str]:
    paragraph: list[str] = []
    position = 0
    while position < len(lines):
        line = lines[position]
        section = SECTION.match(line)
        if section:
            yield from _paragraph(paragraph)
            end = _end_of_indented(lines, position + 1)
            yield from _section(section[1], _dedented(lines[position + 1 : end]))
            position = end
        elif re.fullmatch(r"`[^`]+`", line) and not paragraph and lines[position + 1 : position + 2] != [""]:
            end = _end_of_indented(lines, position + 1)
            yield inline(line)
            yield from (f"    {each}".rstrip() for each in to_rst(_dedented(lines[position + 1 : end])))
            position = end
        elif line.startswith("    ") and not paragraph:
            end = _end_of_indented(lines, position)
            yield from ["::", "", *(f"    {each}".rstrip() for each in _dedented(lines[position:end])), ""]
            position = end
        else:
            starts = line.startswith(("- ", "Source: ")) or not line.strip()
            if starts:
                yield from _paragraph(paragraph)
            if line.strip():
                paragraph.append(line)
            position += 1
    yield from _paragraph(paragraph)


def _paragraph(paragraph) -> Iterator[str]:
    if paragraph:
        bullet = paragraph[0].startswith("- ")
        text = inline(" ".join(line.strip() for line in paragraph).removeprefix("- "))
        yield from [f"- {text}" if bullet else text, ""]
        paragraph.clear()


def _end_of_indented(lines, start):
    end = start
    while end < len(lines) and (not lines[end].strip() or lines[end].startswith("    ")):
        end += 1
    return end


def _dedented(lines):
    lines = [line.removeprefix("    ") for line in lines]
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def _section(title, body) -> Iterator[str]:
    yield from [f"**{title}**", ""]
    items: list[tuple[str, list[str]]] = []
    for line in body:
        item = ITEM.match(line) if title in ("Args", "Attributes", "Raises") else None
        if item:
            items.append((item[1], [item[2]]))
        elif items:
            items[-1][1].append(line.removeprefix("    "))
        else:
            items.append(("", [line]))
    for names, text in items:
        shown = to_rst(text)
        if names:
            yield ", ".join(f"``{name}``" for name in names.split(", "))
            yield from (f"    {line}".rstrip() for line in shown)
        else:
            yield from shown
    yield ""


def process(app, what, name, obj, options, lines) -> None:
    """Listens to Sphinx's autodoc-process-docstring."""
    lines[:] = to_rst(lines)
