"""Words around a sheet of images: a title, names of rows and columns, the way between two ends."""

from collections.abc import Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont

SIZE = 12  # of the letters, pixels
GAP = 4  # pixels between words and images
TITLE = 18  # pixels of a line


def with_labels(
    sheet: Image.Image,
    columns: int,
    rows: int,
    *,
    title: str = "",
    row_labels: Sequence[Any] = (),
    column_labels: Sequence[Any] = (),
) -> Image.Image:
    """A sheet of equally large cells with words on its left and above it.

    The sheet itself stays as it is, in the lower part of the picture. Nothing is added where there
    are no words.

    Args:
        sheet: the images, a PIL image in grey or RGB.
        columns, rows: of the sheet.
        title: a line above everything. The picture becomes as wide as it.
        row_labels: the name of each row.
        column_labels: the name of each column.
    """
    font = ImageFont.load_default(SIZE)
    for name, labels, count in (("row_labels", row_labels, rows), ("column_labels", column_labels, columns)):
        if len(labels) not in (0, count):
            raise ValueError(f"{name}: expected {count} or none, received {len(labels)}.")
    left = max((round(font.getlength(str(label))) for label in row_labels), default=-2 * GAP) + 2 * GAP
    top = TITLE * (bool(title) + bool(column_labels))
    width = max(left + sheet.width, round(font.getlength(title)) + 2 * GAP if title else 0)
    if (width, top) == (sheet.width, 0):
        return sheet
    picture = Image.new(sheet.mode, (width, top + sheet.height), "white")
    picture.paste(sheet, (left, top))
    draw = ImageDraw.Draw(picture)
    draw.text((GAP, TITLE / 2), title, "black", font, anchor="lm")
    for i, label in enumerate(row_labels):
        draw.text((left - GAP, top + (i + 0.5) * sheet.height / rows), str(label), "black", font, anchor="rm")
    for j, label in enumerate(column_labels):
        draw.text((left + (j + 0.5) * sheet.width / columns, top - TITLE / 2), str(label), "black", font, anchor="mm")
    return picture


def with_progress(sheet: Image.Image, share: float) -> Image.Image:
    """A sheet with a strip below it: "start", a line with a mark, "end".

    Args:
        share: of the way from start to end, in [0, 1]: where the mark is.
    """
    font = ImageFont.load_default(SIZE)
    words = [round(font.getlength(word)) + 2 * GAP for word in ("start", "end")]
    width = max(sheet.width, sum(words) + 40)
    picture = Image.new(sheet.mode, (width, sheet.height + TITLE), "white")
    picture.paste(sheet, (0, 0))
    draw = ImageDraw.Draw(picture)
    draw.fontmode = "1"  # no grey pixels: they would take room in the file
    middle = sheet.height + TITLE // 2
    draw.text((GAP, middle), "start", "black", font, anchor="lm")
    draw.text((width - GAP, middle), "end", "black", font, anchor="rm")
    first, last = words[0], width - words[1]
    draw.line((first, middle, last, middle), "black")
    mark = round(first + share * (last - first))
    draw.rectangle((mark - 3, middle - 4, mark + 3, middle + 4), fill="black")
    return picture
