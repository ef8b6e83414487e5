"""Notebooks run by hand: what is published is what the notebooks hold, or nothing is."""

from pathlib import Path

import pytest

from tests.template.checkout_copy import Project


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A checkout in whose JupyterLab 00_data_etl was run."""
    project = Project(tmp_path_factory.mktemp("by_hand"))
    with project.kernel("00") as kernel:
        assert "150 rows are ready" in kernel.run_all()
    return project


@pytest.fixture
def project(prepared: Project, tmp_path: Path) -> Project:
    """The same checkout as it was, whatever a test before has edited."""
    prepared.git("checkout", "--quiet", ".")
    prepared.local_data = tmp_path / "local_data"
    source = prepared.root / "local_data" / "runs"
    (tmp_path / "local_data").mkdir()
    (tmp_path / "local_data" / "runs").symlink_to(source)
    return prepared


@pytest.mark.slow  # a person's morning: three versions, in one kernel
def test_what_01_holds_is_what_02_publishes(project: Project) -> None:
    """Edited and saved, without an export, in a kernel that imported it before or after."""
    project.edit("01", ("max_iter=60", "max_iter=3"))
    with project.kernel("02") as kernel:
        said = kernel.run_all()
        assert "It is the champion now" in said
        (first,) = project.manifests()
        assert trees(project) == 3
        assert first["origin"]["git_branch"] == "mine"
        assert first["origin"]["git_head"] == project.git("rev-parse", "HEAD")
        assert first["origin"]["git_dirty"] is True
        assert first["origin"]["pipeline"] == "ml_pipe"
        assert first["origin"]["setup"] == "setup-1"
        assert len(first["origin"]["notebooks"]) == 3

        project.edit("01", ("max_iter=3", "max_iter=5"))
        refused = kernel.run(kernel.cell("print(publish("))
        assert "01_model_class.ipynb changed after `load`: run the cells again" in refused
        assert len(project.manifests()) == 1
        assert "Exported what the notebooks hold now" in kernel.run(kernel.cell("run = load()"))
        kernel.run_all(first="splits = (")
        assert trees(project) == 5

        project.edit("02", ('average="macro"', 'average="weighted"'))
        refused = kernel.run(kernel.cell("print(publish("))
        assert "02_train_test_validate.ipynb holds another score than this kernel ran" in refused
        assert len(project.manifests()) == 2


def trees(project: Project) -> int:
    """Return how many rounds of boosting the last version has."""
    code = (
        "from pathlib import Path; import sys, skops.io\n"
        "path = max(Path(sys.argv[1]).glob('models/iris/2*/model.skops'))\n"
        "trusted = skops.io.get_untrusted_types(file=path)\n"
        "print(skops.io.load(path, trusted=trusted)[-1].max_iter)\n"
    )
    done = project.python("-c", code, str(project.local_data))
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.slow  # starts two kernels, exports notebooks
def test_a_table_is_only_used_as_long_as_00_is_what_made_it(project: Project) -> None:
    """Edited and not run, it is refused; edited prose and assertions make no difference."""
    with project.kernel("01") as kernel:
        project.edit(
            "00",
            ("As little as possible", "Hardly anything"),
            ("assert clean", "assert 1 and clean"),
        )
        assert kernel.run_all(first="#| hide").startswith("ERROR") is False
        project.edit("00", ("with_target = table.dropna", "with_target = table[::2].dropna"))
        refused = kernel.run(kernel.cell("run = load("))
    assert "00_data_etl.ipynb holds another SMALLEST_TABLE, clean than made this table" in refused


@pytest.mark.slow  # starts a kernel, exports notebooks
def test_a_cell_that_is_run_and_not_saved_is_noted(project: Project) -> None:
    """Below the cell: what the next notebook trains is still what the file holds."""
    with project.kernel("01") as kernel:
        kernel.run_all()
        build = kernel.cell("def build_estimator")
        assert "not saved" not in kernel.run(build)
        assert "This cell is not saved" in kernel.run(build.replace("max_iter=60", "max_iter=3"))
        project.edit("01", ("max_iter=60", "max_iter=3"))
        assert "not saved" not in kernel.run(kernel.cell("def build_estimator"))


@pytest.mark.slow  # starts a kernel, exports notebooks
def test_what_cannot_be_used_as_it_stands_is_refused_or_replaced(project: Project) -> None:
    """A cell that is no Python; a module that somebody edited; a folder that cannot be written."""
    with project.kernel("01") as kernel:
        kernel.run_all()
        load = kernel.cell("run = load(")
        project.edit("02", ("is_rare = (", "is_rare = (("))
        assert "cannot be exported: SyntaxError" in kernel.run(load)
        project.git("checkout", "--quiet", ".")

        module = project.root / "ml_pipe" / "model_class.py"
        module.write_text(module.read_text().replace("max_iter=60", "max_iter=1"))
        assert "Exported what the notebooks hold now: model_class.py" in kernel.run(load)
        assert "max_iter=60" in module.read_text()

        project.edit("01", ("max_iter=60", "max_iter=3"))
        (module.parent / ".model_class.py").mkdir()
        assert "cannot be written" in kernel.run(load)
        (module.parent / ".model_class.py").rmdir()


MODEL = 'return Pipeline([("features", build_features(inputs)), ("model", model)])'
SCALED = """\
    model = LogisticRegression(max_iter=1000)
    return Pipeline([("features", build_features(inputs, StandardScaler())), ("model", model)])"""
NOTHING_OF_OURS = "    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))"


@pytest.mark.slow  # a whole run
def test_another_estimator_takes_the_place_of_ours(project: Project) -> None:
    """All cells of all notebooks hold for it, and it is served compiled."""
    project.edit("01", (f"    {MODEL}", SCALED))
    done = project.python("-m", "mlops", "train", "examples/iris")
    assert done.returncode == 0, done.stderr
    (manifest,) = project.manifests()
    assert manifest["compiled"]
    assert manifest["parameters"]["lowest_score"] == 0.85
    assert manifest["origin"]["pipeline"] == "iris"


@pytest.mark.slow  # a whole run, from a kernel
def test_03_runs_the_pipeline_by_hand(project: Project) -> None:
    """With an estimator that takes nothing of ours; it ends in what was published."""
    project.edit("01", (f"    {MODEL}", NOTHING_OF_OURS))
    with project.kernel("03") as kernel:
        said = kernel.run_all()
    assert "It is the champion now" in said
    assert "The executed notebooks are in " in said
    (manifest,) = project.manifests()
    assert manifest["compiled"]
    assert manifest["origin"]["git_branch"] == "mine"
