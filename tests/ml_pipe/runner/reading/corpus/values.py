"""Words for missing, flags, texts, identifiers, targets."""

from tests.ml_pipe.runner.reading.corpus.variant import LABELS, Variant, column, one, text

NUMBERED = [str(n) for n in range(1, 25)]
CODES = [f"K{n:03}" for n in range(24)]
UUIDS = [f"{n:08x}-0000-4000-8000-{n:012x}" for n in range(24)]
PEOPLE = [f'"Person, Mr. {chr(65 + n)}ohn"' for n in range(24)]
NOTES = [f"flat {n} is near the park and has a view of tree {n * 7}" for n in range(24)]
FLOATS = [f"{n * 1.37:.4f}" for n in range(1, 25)]
MANY = [f"town {n}" for n in range(60)]


def beside(name: str, cells: list[str]) -> bytes:
    """Return a text file with a column beside one to learn from."""
    return text({name: cells, "x": ["1.5", "2.5", "3.5"], "y": LABELS})


KEPT = {"x": [1.5, 2.5, 3.5], "y": LABELS}
VALUES = [
    one(
        "the country NA", ["NA", "US", "FR"], ["NA", "US", "FR"], noted='"NA" in 8 rows is a value'
    ),
    one("a class named None", ["None", "some"], ["None", "some"]),
    one("null as a word", ["null", "one"], ["null", "one"]),
    one(
        "NA among numbers", ["NA", "1.5", "2.5"], [None, 1.5, 2.5], noted='"NA" in 8 rows taken for'
    ),
    one("several words among numbers", ["n/a", "?", "3"], [None, None, 3]),
    one("NaN among numbers", ["NaN", "1.5"], [None, 1.5]),
    one("null among flags", ["true", "false", "null"], [True, False, None]),
    one("words of one's own", ["-99", "1.5"], [None, 1.5], options={"missing_words": ["-99"]}),
    one(
        "words of one's own among texts",
        ["k.A.", "rot", "blau"],
        [None, "rot", "blau"],
        options={"missing_words": ["k.A."]},
    ),
    one("empty cells of texts", ["", "rot", "blau"], [None, "rot", "blau"]),
    one("blank cells of texts", ["  ", "rot", "blau"], [None, "rot", "blau"]),
    one("flags", ["True", "False"], [True, False]),
    one("flags in small letters", ["true", "false"], [True, False]),
    one("yes and no", ["yes", "no"], ["yes", "no"]),
    one("zero and one", ["0", "1"], [0, 1]),
    one(
        "blanks around categories",
        [" Private", "Private", "State "],
        ["Private", "Private", "State"],
    ),
    one(
        "accents in one piece and in two",
        ["Caf\u00e9", "Cafe\u0301", "Bar"],
        ["Café", "Café", "Bar"],
    ),
    one("sixty values that repeat", MANY, MANY, rows=240),
    one(
        "long texts",
        ["x" * 10_000 + f" {n}" for n in range(24)],
        ["x" * 10_000 + f" {n}" for n in range(24)],
    ),
    Variant("texts that differ", beside("note", NOTES), reads={"note": NOTES, **KEPT}),
    Variant(
        "numbers that differ", beside("m", FLOATS), reads={"m": [float(f) for f in FLOATS], **KEPT}
    ),
    Variant(
        "an index",
        beside("Unnamed: 0", [str(n) for n in range(24)]),
        reads=KEPT,
        left_out=("Unnamed: 0",),
    ),
    Variant(
        "an index without a name",
        beside("", [str(n) for n in range(24)]),
        reads=KEPT,
        left_out=("Unnamed: 0",),
    ),
    Variant("row numbers", beside("id", NUMBERED), reads=KEPT, left_out=("id",)),
    Variant(
        "row numbers, kept",
        beside("id", NUMBERED),
        options={"keep": ["id"]},
        reads={"id": list(range(1, 25)), **KEPT},
    ),
    Variant(
        "a number that counts up but is no index",
        beside("day", NUMBERED),
        reads={"day": list(range(1, 25)), **KEPT},
    ),
    Variant("UUIDs", beside("u", UUIDS), reads=KEPT, left_out=("u",)),
    Variant("codes that differ", beside("c", CODES), reads=KEPT, left_out=("c",)),
    Variant("names of people", beside("Name", PEOPLE), reads=KEPT, left_out=("Name",)),
    Variant("a constant", beside("k", ["7"]), reads=KEPT, left_out=("k",)),
    Variant("a constant with gaps", beside("k", ["7", ""]), reads={"k": [7, None], **KEPT}),
    Variant("an empty column", beside("e", [""]), reads=KEPT, left_out=("e",)),
    Variant(
        "left out by choice",
        beside("z", ["1", "2"]),
        reads=KEPT,
        options={"leave_out": ["z"]},
        left_out=("z",),
    ),
    Variant(
        "nothing left to learn from",
        text({"id": NUMBERED, "y": LABELS}),
        refused="all were left out",
    ),
    Variant(
        "a target of 0.0 and 1.0",
        text({"a": ["1.5", "2.5"], "y": ["0.0", "1.0"]}),
        reads={"a": [1.5, 2.5], "y": [0, 1]},
    ),
    Variant(
        "a target with a class None",
        text({"a": ["1.5", "2.5"], "y": ["None", "some"]}),
        reads={"a": [1.5, 2.5], "y": ["None", "some"]},
    ),
    Variant(
        "a target of numbers with NA",
        text({"a": ["1.5", "2.5"], "y": ["1.5", "2.5", "NA"]}),
        refused="missing_words=NA",
    ),
    Variant(
        "a target of numbers with NA, decided",
        text({"a": ["1.5", "2.5"], "y": ["1.5", "2.5", "NA"]}, rows=60),
        options={"missing_words": ["NA"]},
        rows=40,
        reads={"a": [1.5, 2.5, 2.5, 1.5], "y": [1.5, 2.5]},
    ),
    Variant(
        "a target of sums with an odd cell",
        text({"a": ["1", "2"], "y": [*FLOATS[:23], "Total"]}),
        refused="looks like a total",
    ),
    Variant(
        "a row of totals",
        text({"a": ["x", "y"] * 11 + ["z", "Total"], "b": NUMBERED, "y": FLOATS}),
        refused="looks like a total",
    ),
    Variant(
        "a target of a thousand texts",
        text({"a": ["1", "2"], "y": [f"l{n}" for n in range(1000)]}, rows=3000),
        refused="at most 500",
    ),
    Variant(
        "three hundred classes",
        text({"a": ["1.5", "2.5"], "y": [f"l{n}" for n in range(300)]}, rows=1200),
        reads={"a": [1.5, 2.5], "y": [f"l{n}" for n in range(300)]},
        rows=1200,
    ),
    Variant("a target that is not there", column(["1", "2"]), target="z", refused='no column "z"'),
    Variant(
        "a reading that is none",
        column(["1", "2"]),
        options={"read_as": ["a:nonsense"]},
        refused="is not understood",
    ),
    Variant(
        "a reading of no column",
        column(["1", "2"]),
        options={"read_as": ["b:text"]},
        refused="is not understood",
    ),
    Variant(
        "a reading that does not fit",
        column(["x", "z"]),
        options={"read_as": ["a:%d/%m/%Y"]},
        refused="cannot be read as read_as=a:%d/%m/%Y says",
    ),
    Variant(
        "an order that does not fit",
        column(["31/01/2024", "30/01/2024"]),
        options={"read_as": ["a:month-first"]},
        refused="cannot be read as",
    ),
    Variant(
        "a mark that does not fit",
        column(["x", "z"]),
        options={"read_as": ["a:decimal-comma"]},
        refused="cannot be read as",
    ),
    Variant(
        "a zone that is none",
        column(["1", "2"]),
        options={"time_zone": "Mars/Base"},
        refused='no time zone "Mars/Base"',
    ),
]
