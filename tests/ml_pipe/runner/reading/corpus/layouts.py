"""Text files: how they are laid out and encoded."""

from tests.ml_pipe.runner.reading.corpus.variant import LABELS, Variant, column, text

A, READS = ["1.5", "2.5", "3.5"], {"a": [1.5, 2.5, 3.5], "y": LABELS}
PLAIN = column(A)
TOWNS = ["Köln", "Bonn"]


def towns(encoding: str, names: list[str] = TOWNS, number: str = "a") -> bytes:
    """Return a text file with towns, in an encoding."""
    return text({number: ["1.5", "2.5"], "town": names, "y": LABELS}, encoding=encoding)


IN_TOWNS = {"Größe": [1.5, 2.5], "town": TOWNS, "y": LABELS}
FLOWERS = b"5.1,3.5,Iris-setosa\n4.9,3.1,Iris-virginica\n" * 12
NAMES_OF_NONE = {
    "column_1": [5.1, 4.9],
    "column_2": [3.5, 3.1],
    "column_3": ["Iris-setosa", "Iris-virginica"],
}
LAYOUTS = [
    Variant("commas", PLAIN, READS),
    Variant("semicolons", column(A, separator=";"), READS),
    Variant("tabs", column(A, separator="\t"), READS, file="table.tsv"),
    Variant("bars", column(A, separator="|"), READS),
    Variant("blanks", column(A, separator=" "), READS),
    Variant("columns of blanks", column(A, separator="    "), READS, file="table.dat"),
    Variant("a separator by choice", column(A, separator="~"), READS, options={"separator": "~"}),
    Variant(
        "a separator that is none",
        PLAIN,
        refused="it is one character",
        options={"separator": "ab"},
    ),
    Variant("Excel's first line", b"sep=;\n" + column(A, separator=";"), READS),
    Variant("line ends of Windows", column(A, end="\r\n"), READS),
    Variant("line ends of old Macs", column(A, end="\r"), READS),
    Variant("no line end at the end", PLAIN.rstrip(), READS),
    Variant("empty lines", PLAIN.replace(b"\n", b"\n\n", 5) + b"\n\n", READS),
    Variant("comments above", b"# made in May\n# by hand\n" + PLAIN, READS, noted="2 lines above"),
    Variant("names in a comment", b"# a y\n" + column(A, separator=" ").partition(b"\n")[2], READS),
    Variant("a header with a hash", b"#" + PLAIN, {"#a": [1.5, 2.5, 3.5], "y": LABELS}),
    Variant("comments among rows", PLAIN + b"# the end\n", refused="comment=#"),
    Variant(
        "comments among rows, by choice", PLAIN + b"# the end\n", READS, options={"comment": "#"}
    ),
    Variant(
        "a header in the middle",
        PLAIN + b"a,y\n" + PLAIN.partition(b"\n")[2],
        refused="Row 25 repeats the header",
    ),
    Variant(
        "a header in the middle of texts",
        b"c,y\n" + b"red,u\nblue,v\n" * 12 + b"c,y\n" + b"red,u\nblue,v\n" * 12,
        refused="Row 25 repeats the header",
    ),
    Variant("blanks at the end", PLAIN + b"\n   \n\t\n\x1a", READS),
    Variant("single quotes around names", PLAIN.replace(b"a,y", b"'a','y'", 1), READS),
    Variant(
        "blanks with a value too few",
        column(A, separator="    ") + b"1.5\n",
        refused="row 25 has 1",
    ),
    Variant(
        "quotes after blanks with a value too few",
        b"a, y\n" + b'1.5, "u, U"\n2.5, "v"\n' * 12 + b"1.5\n",
        refused="row 25 has 1",
    ),
    Variant(
        "names of rows that are names",
        b'"","a","y"\n'
        + b"".join(b'"Mazda RX %d",%d.5,u\n"K%d",2.5,v\n' % (n, n, n) for n in range(12)),
        {"a": [v for n in range(12) for v in (n + 0.5, 2.5)], "y": LABELS},
        left_out=("Unnamed: 0",),
    ),
    Variant(
        "UTF-8 that was read as something else",
        column(["K\u00c3\u00b6ln", "Bonn"]),
        {"a": ["K\u00c3\u00b6ln", "Bonn"], "y": LABELS},
        noted='once read in another encoding: "K\u00c3\u00b6ln"',
    ),
    Variant(
        "letters that were lost",
        column(["K\ufffdln", "Bonn"]),
        {"a": ["K\ufffdln", "Bonn"], "y": LABELS},
        noted="letters were lost",
    ),
    Variant(
        "cubic metres of Windows",
        text({"µg/m³": A, "y": LABELS}, encoding="cp1252"),
        {"µg/m³": [1.5, 2.5, 3.5], "y": LABELS},
        noted='cp1252, which gives "µg/m³"',
    ),
    Variant("another separator", column(A, separator="^"), refused="separator=^"),
    Variant("a title", b"Sales of May\n\n" + PLAIN, READS, noted="Sales of May"),
    Variant(
        "a title in a wide line",
        b"Sales,,\n" + text({"a": A, "b": ["1", "2"], "y": LABELS}),
        {"a": [1.5, 2.5, 3.5], "b": [1, 2], "y": LABELS},
    ),
    Variant("a total below", PLAIN + b"Total\n", refused="row 25 has 1"),
    Variant("a row that is too long", PLAIN + b"1,2,3\n", refused="row 25 has 3"),
    Variant("a row that is too short", PLAIN.replace(b"2.5,v", b"2.5", 1), refused="row 2 has 1"),
    Variant(
        "separators at the ends", b"".join(line + b",\n" for line in PLAIN.splitlines()), READS
    ),
    Variant(
        "separators at the ends of rows",
        b"a,y\n" + b"".join(line + b",\n" for line in PLAIN.splitlines()[1:]),
        READS,
    ),
    Variant(
        "names of rows as R writes them",
        b"a,y\n"
        + b"".join(b"%d,%s\n" % (n, line) for n, line in enumerate(PLAIN.splitlines()[1:], 1)),
        READS,
        left_out=("Unnamed: 0",),
    ),
    Variant(
        "R's table with quotes",
        b'"a" "y"\n'
        + b"".join(
            b'"%d" %s\n' % (n, line.replace(b",", b' "') + b'"')
            for n, line in enumerate(PLAIN.splitlines()[1:], 1)
        ),
        READS,
        left_out=("Unnamed: 0",),
        file="table.txt",
    ),
    Variant("no header", FLOWERS, refused="header=no", target="column_3"),
    Variant(
        "no header, by choice", FLOWERS, NAMES_OF_NONE, options={"header": "no"}, target="column_3"
    ),
    Variant("no header and only texts", b"red,u\nblue,v\n" * 12, refused="header=no"),
    Variant(
        "numbers for names",
        text({"2019": ["1", "2"], "2020": ["3", "4"], "y": LABELS}),
        {"2019": [1, 2], "2020": [3, 4], "y": LABELS},
    ),
    Variant(
        "a header that is sure",
        b"5.1,y\n" + PLAIN.partition(b"\n")[2],
        {"5.1": [1.5, 2.5, 3.5], "y": LABELS},
        options={"header": "yes"},
    ),
    Variant(
        "names with blanks",
        text({" a ": A, " y": LABELS}),
        READS,
        signature={"a": {"header": " a "}},
    ),
    Variant(
        "blanks after separators",
        column([" 1.5", " 2.5"]).replace(b",", b", "),
        {"a": [1.5, 2.5], "y": LABELS},
        signature={"y": {}},
    ),
    Variant(
        "quotes after blanks",
        b"a, y\n" + b'1.5, "u, U"\n2.5, "v"\n' * 12,
        {"a": [1.5, 2.5], "y": ["u, U", "v"]},
    ),
    Variant(
        "names in two pieces",
        text({"Gro\u0308ße": A, "y": LABELS}),
        {"Größe": [1.5, 2.5, 3.5], "y": LABELS},
    ),
    Variant(
        "names twice",
        text({"a": A, "a ": A, "y": LABELS}),
        refused='several columns "a" (columns 1 and 2)',
    ),
    Variant(
        "no name", b"a,,y\n" + b"1,2,u\n3,4,v\n" * 12, refused="Column 2 of the table has no name"
    ),
    Variant("no name and no values", b"a,,y\n" + b"1,,u\n3,,v\n" * 12, {"a": [1, 3], "y": LABELS}),
    Variant(
        "quoted separators and lines",
        b"a,y\n" + b'"x, and\ny",u\nz,v\n' * 12,
        {"a": ["x, and\ny", "z"], "y": LABELS},
    ),
    Variant(
        "quotes behind backslashes",
        b"a,y\n" + b'"x \\"q\\" z",u\nb,v\n' * 12,
        refused="write them doubled",
    ),
    Variant(
        "decimal commas between tabs, without a header",
        b"1,5\t2,5\tu\n3,5\t4,5\tv\n" * 12,
        {"column_1": [1.5, 3.5], "column_2": [2.5, 4.5], "column_3": ["u", "v"]},
        options={"header": "no"},
        target="column_3",
    ),
    Variant(
        "doubled quotes",
        b"a,y\n" + b'"5"" pipe",u\nz,v\n' * 12,
        {"a": ['5" pipe', "z"], "y": LABELS},
    ),
    Variant(
        "a quote that stays open",
        b"a,b,y\n" + b"1,x,u\n2,z,v\n" * 12 + b'1,"x,u\n2,z,v\n' + b"2,z,u\n" * 9,
        refused="not closed",
    ),
    Variant("an empty file", b"", refused="is empty"),
    Variant("a header alone", b"a,y\n", refused="is empty"),
    Variant("one column", b"y\n" + b"u\nv\n" * 12, refused="no column to learn from"),
    Variant("UTF-8 with its mark", b"\xef\xbb\xbf" + PLAIN, READS),
    Variant("UTF-16", towns("utf-16", number="Größe"), IN_TOWNS, noted="utf-16"),
    Variant(
        "what Windows wrote in the West",
        towns("cp1252", number="Größe"),
        IN_TOWNS,
        noted='cp1252, which gives "Größe',
    ),
    Variant("Cyrillic", towns("cp1251", ["Москва", "Тула"]), refused='cp1251 gives "Москва Тула"'),
    Variant(
        "Cyrillic, by choice",
        towns("cp1251", ["Москва", "Тула"]),
        {"a": [1.5, 2.5], "town": ["Москва", "Тула"], "y": LABELS},
        options={"encoding": "cp1251"},
    ),
    Variant(
        "Polish of Windows",
        towns("cp1250", ["Łódź", "Gdańsk"]),
        refused='cp1250 gives "Łódź Gdańsk"',
    ),
    Variant("Czech", towns("cp1250", ["Příbram", "České"]), refused='cp1250 gives "Příbram'),
    Variant("Turkish", towns("cp1254", ["İzmir", "Şanli"]), refused='cp1254 gives "İzmir'),
    Variant("Old Macs", towns("mac_roman", ["Größe", "Köln"]), refused="encoding="),
    Variant("Old DOS", towns("cp850", ["Größe", "Köln"]), refused="encoding="),
    Variant(
        "French",
        towns("cp1252", ["élève", "cœur"]),
        {"a": [1.5, 2.5], "town": ["élève", "cœur"], "y": LABELS},
    ),
    Variant("Japanese", towns("shift_jis", ["東京", "大阪"]), refused="encoding="),
    Variant("Greek", towns("cp1253", ["Αθήνα", "Πάτρα"]), refused='cp1253 gives "Αθήνα'),
    Variant(
        "an encoding that is none",
        PLAIN,
        refused='no encoding "klingon"',
        options={"encoding": "klingon"},
    ),
    Variant(
        "a bad byte in UTF-8",
        towns("utf-8", number="Größe") + b"1.5,K\xf6ln,u\n",
        refused="bytes in line 26, the first 0xf6",
    ),
    Variant(
        "a bad byte in UTF-8, replaced",
        towns("utf-8", number="Größe").replace("Köln".encode(), b"K\xff\xc3\xb6ln", 1),
        {"Größe": [1.5, 2.5], "town": ["K\ufffdöln", "Bonn", *["Köln", "Bonn"] * 11], "y": LABELS},
        options={"bad_bytes": "replace"},
        noted="replaced",
    ),
    Variant(
        "bytes that are no text", b"\x00\x01\x02\x81\x8d" * 9, refused="neither a known format"
    ),
]
