"""The least spreadsheet that programs open: made here, as no library of ours writes one."""

import io
import zipfile
from collections.abc import Mapping
from xml.sax.saxutils import escape

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def spreadsheet(grids: Mapping[str, list[list[object]]]) -> bytes:
    """Return an xlsx file with a sheet for each grid: numbers, texts, and "" for an empty cell."""
    out = io.BytesIO()
    numbers = range(1, len(grids) + 1)
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", _types(numbers))
        archive.writestr("_rels/.rels", _relations({1: "xl/workbook.xml"}, "officeDocument"))
        sheets = {number: f"worksheets/sheet{number}.xml" for number in numbers}
        archive.writestr("xl/_rels/workbook.xml.rels", _relations(sheets, "worksheet"))
        listed = "".join(
            f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>'
            for number, name in zip(numbers, grids, strict=True)
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook {_MAIN} xmlns:r="{_RELATION}"><sheets>{listed}</sheets></workbook>',
        )
        for number, grid in zip(numbers, grids.values(), strict=True):
            archive.writestr(f"xl/worksheets/sheet{number}.xml", _sheet(grid))
    return out.getvalue()


def _types(numbers: range) -> str:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    overrides = [("/xl/workbook.xml", f"{kind}.sheet.main+xml")]
    overrides += [(f"/xl/worksheets/sheet{n}.xml", f"{kind}.worksheet+xml") for n in numbers]
    parts = "".join(f'<Override PartName="{p}" ContentType="{t}"/>' for p, t in overrides)
    relations = '<Default Extension="rels" ContentType="application/xml"/>'
    return f'<Types xmlns="{_PACKAGE}/content-types">{relations}{parts}</Types>'


def _relations(targets: Mapping[int, str], kind: str) -> str:
    listed = "".join(
        f'<Relationship Id="rId{n}" Type="{_RELATION}/{kind}" Target="{target}"/>'
        for n, target in targets.items()
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{listed}</Relationships>'


def _sheet(grid: list[list[object]]) -> str:
    rows = "".join(
        f'<row r="{number}">{"".join(_cell(c, number, place) for place, c in enumerate(row))}</row>'
        for number, row in enumerate(grid, 1)
    )
    return f"<worksheet {_MAIN}><sheetData>{rows}</sheetData></worksheet>"


def _cell(value: object, row: int, place: int) -> str:
    where = f'r="{chr(ord("A") + place)}{row}"'
    if value == "":
        return ""
    if isinstance(value, str):
        return f'<c {where} t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f"<c {where}><v>{value}</v></c>"
