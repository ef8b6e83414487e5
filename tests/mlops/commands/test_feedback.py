"""`mlops feedback import`, sent to a real service."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import apsw
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier
from typer.testing import Result

from mlops.console import Exit
from model_store.bundle import Draft
from model_store.file_store import FileModelStore
from model_store.golden import golden_rows
from model_store.schema.infer_signature import infer_signature
from tests.api.conftest import POLICY, fruit_draft, sum_draft
from tests.api.server_process import Server, process_of
from tests.mlops.conftest import Mlops
from tests.publisher_key import SIGNER

Import = Callable[..., Result]

pytestmark = pytest.mark.slow  # a service is started


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the service's folder."""
    return tmp_path_factory.mktemp("feedback")


def income_draft() -> Draft:
    """Return a classifier whose classes were read with the blanks before them."""
    inputs = pd.DataFrame({"hours": [10.0, 60.0]})
    labels = pd.DataFrame({"income": [" <=50K", " >50K"]}, dtype="category")
    estimator = DecisionTreeClassifier(random_state=0).fit(inputs, labels["income"])
    signature = infer_signature(inputs, labels)
    return Draft(
        model="income",
        task="classification",
        estimator=estimator,
        signature=signature,
        golden=golden_rows(estimator, signature, inputs),
    )


def pair_draft() -> Draft:
    """Return a regression of two outputs: twice and three times the input."""
    inputs = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
    outputs = pd.DataFrame({"twice": inputs["x"] * 2, "thrice": inputs["x"] * 3})
    estimator = LinearRegression().fit(inputs, outputs)
    signature = infer_signature(inputs, outputs)
    return Draft(
        model="pair",
        task="regression",
        estimator=estimator,
        signature=signature,
        golden=golden_rows(estimator, signature, inputs),
    )


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """Return a service of four models that answered requests of nine rows each."""
    published = folder / "published"
    store = FileModelStore(published, POLICY, signer=SIGNER)
    for draft in (fruit_draft(), income_draft(), pair_draft(), sum_draft()):
        store.promote(draft.model, store.publish(draft))
    with process_of(folder, published) as server:
        with closing(HTTPConnection("127.0.0.1", server.port)) as connection:
            fruit, summands = {"weight": 60}, {"a": 1, "b": 2}
            for name, model, row in (
                ("fruit", "fruit", fruit),
                ("gaps", "fruit", fruit),
                ("income", "income", {"hours": 60}),
                ("pair", "pair", {"x": 5}),
                ("sum", "sum", summands),
                ("spelled", "sum", summands),
            ):
                headers = {"Content-Type": "application/json", "X-Request-ID": name}
                path = f"/models/{model}/predict"
                connection.request("POST", path, json.dumps([row] * 9), headers)
                assert connection.getresponse().read()
        yield server


@pytest.fixture
def feedback_import(mlops: Mlops, server: Server, tmp_path: Path) -> Import:
    """Import a table that is given as text."""

    def call(table: str, *options: str) -> Result:
        file = tmp_path / "truth.csv"
        file.write_text(table, encoding="utf-8-sig")
        url = ("--url", f"http://127.0.0.1:{server.port}")
        return mlops("feedback", "import", str(file), *url, *options)

    return call


def stored(folder: Path, request_id: str) -> list[object]:
    """Return the true values of a request's rows."""
    query = """
    SELECT value FROM feedback JOIN requests USING (sequence) WHERE request_id = ? ORDER BY row
    """
    with closing(apsw.Connection(str(folder / "predictions.sqlite"))) as connection:
        return [json.loads(value) for (value,) in connection.execute(query, (request_id,))]


def test_a_table_is_sent_and_refused_lines_are_named(feedback_import: Import, folder: Path) -> None:
    """Each has its reason; the others are stored. A second import changes nothing."""
    table = "request_id,row,value\nfruit,0,Plum\nfruit,9,Plum\nother,0,Plum\nfruit,1,7\nfruit,x,7\n"
    result = feedback_import(table)
    assert result.exit_code == Exit.FAILED
    assert "line 3: row out of range\nline 4: unknown request\nline 6: no feedback" in result.stdout
    # A label may look like a number: it is sent as text if the output of the model is text.
    assert stored(folder, "fruit") == ["Plum", "7"]
    again = json.loads(feedback_import(table, "--json").stdout)
    assert again["counts"]["unchanged"] == 2
    assert again["refused"][0] == {"line": 3, "reason": "row out of range"}


def test_numbers_are_sent_as_numbers(feedback_import: Import, folder: Path) -> None:
    """Columns may have other names; a wrong cell does not stop the import."""
    result = feedback_import(
        "total,id,place\n5,sum,0\n5.5,sum,1\nfive,sum,2\n,sum,2\n",
        *("--columns", "id,place,total", "--model", "sum", "--json"),
    )
    assert json.loads(result.stdout) == {
        "counts": {"stored": 2, "value is no number": 1, "value is missing": 1},
        "refused": [
            {"line": 4, "reason": "value is no number"},
            {"line": 5, "reason": "value is missing"},
        ],
    }
    assert stored(folder, "sum") == [5, 5.5]


def test_a_table_that_pandas_wrote_is_understood(feedback_import: Import, folder: Path) -> None:
    """Rows of a column with gaps are written as 2.0; blanks around a label are no part of it."""
    result = feedback_import(
        "request_id,row,value\ngaps,2.0, Plum \ngaps,,Plum\ngaps,1.5,Plum\n", "--json"
    )
    found = json.loads(result.stdout)
    assert found["counts"]["stored"] == 1
    assert [refused["line"] for refused in found["refused"]] == [3, 4]
    assert stored(folder, "gaps") == ["Plum"]


def test_blanks_around_a_class_are_no_part_of_it(feedback_import: Import, folder: Path) -> None:
    """As in a file with a blank after each comma: the model was trained on such a one, too."""
    table = "request_id,row,value\nincome, 0, >50K\nincome, 1, <=50K\nincome, 2,  >50K \n"
    assert feedback_import(table, "--model", "income").exit_code == Exit.DONE
    assert stored(folder, "income") == [">50K", "<=50K", ">50K"]


def test_a_number_may_be_spelled_in_all_usual_ways(feedback_import: Import, folder: Path) -> None:
    """Whole numbers are sent exactly; infinite numbers and Python's own spellings are refused."""
    good = [".5", "+5", "5.", "007", "1E2", "9007199254740993"]
    bad = ["1_000", "nan", "-Infinity", "1e999", "9" * 400]
    lines = [f"spelled,{place % 9},{word}" for place, word in enumerate(good + bad)]
    result = feedback_import(
        "\n".join(["request_id,row,value", *lines]), "--model", "sum", "--json"
    )
    assert json.loads(result.stdout)["counts"] == {"stored": 6, "value is no number": 5}
    assert stored(folder, "spelled") == [0.5, 5, 5.0, 7, 100.0, 9007199254740993]


def test_a_long_table_goes_in_parts(feedback_import: Import) -> None:
    """The lines keep their numbers."""
    lines = [f"nobody,{row},Plum" for row in range(1000)]
    result = feedback_import("\n".join(["request_id,row,value", *lines]), "--json")
    found = json.loads(result.stdout)
    assert found["counts"] == {"unknown request": 1000}
    assert found["refused"][-1]["line"] == 1001


@pytest.mark.parametrize(
    ("table", "options", "code", "sentence"),
    [
        ("id,row,value\n", [], Exit.USAGE, "no column request_id"),
        ("request_id,row,value\n", ["--columns", "id"], Exit.USAGE, "three names"),
        ("request_id,row,value\n", ["--model", "pear"], Exit.FAILED, "has: fruit, income, pair"),
        (
            "request_id,row,value\n",
            ["--url", "nowhere"],
            Exit.FAILED,
            "not the address of a service",
        ),
        (
            "request_id,row,value\n",
            ["--url", "http://x:y"],
            Exit.FAILED,
            "not the address of a service",
        ),
        ("request_id,row,value\n", ["--url", "http://127.0.0.1:1"], Exit.FAILED, "No service"),
    ],
)
def test_feedback_that_cannot_be_sent_is_a_sentence(
    feedback_import: Import, table: str, options: list[str], code: Exit, sentence: str
) -> None:
    """The sentence says what to do."""
    result = feedback_import(table, *options)
    assert result.exit_code == code
    assert sentence in result.stderr


def test_several_outputs_have_a_column_each(feedback_import: Import, folder: Path) -> None:
    """An empty cell is not known yet; one of them may come alone."""
    model = ("--model", "pair", "--columns")
    table = "request_id,row,twice,thrice\npair,0,10,15\npair,1,,15\npair,2,,\n"
    result = feedback_import(table, *model, "request_id,row,twice,thrice")
    assert result.exit_code == Exit.FAILED
    assert "line 4: value is missing" in result.stdout
    assert stored(folder, "pair") == [{"thrice": 15, "twice": 10}, {"thrice": 15}]
    feedback_import("request_id,row,twice\npair,1,9\n", *model, "request_id,row,twice")
    assert stored(folder, "pair")[1] == {"thrice": 15, "twice": 9}
    result = feedback_import("request_id,row,value\npair,0,10\n", "--model", "pair")
    assert "line 2: value names no output" in result.stdout
    result = feedback_import(table, *model, "request_id,row,twice,other")
    assert result.exit_code == Exit.USAGE


def test_a_table_that_cannot_be_read_is_a_sentence(
    mlops: Mlops, server: Server, tmp_path: Path
) -> None:
    """It may be no CSV file at all."""
    file = tmp_path / "truth.csv"
    url = f"http://127.0.0.1:{server.port}"
    assert "cannot be read" in mlops("feedback", "import", str(file), "--url", url).stderr
    file.write_bytes(b"request_id,row,value\n\xff\xff,0,Plum\n")
    assert "cannot be read" in mlops("feedback", "import", str(file), "--url", url).stderr


def test_a_password_is_sent(
    mlops: Mlops, tmp_path: Path, folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the one of the role `predict` in the settings; a wrong one is refused."""
    (tmp_path / "truth.csv").write_text("request_id,row,value\n")
    guarded = {"PREDICT_OPEN": "no", "PREDICT_PASSWORD": "predict-secret"}
    with process_of(tmp_path, folder / "published", **guarded) as other:
        arguments = ("feedback", "import", str(tmp_path / "truth.csv"))
        url = ("--url", f"http://127.0.0.1:{other.port}/")
        assert "Send the user name and password" in mlops(*arguments, *url).stderr
        monkeypatch.setenv("PREDICT_PASSWORD", "predict-secret")
        assert mlops(*arguments, *url).exit_code == Exit.DONE
