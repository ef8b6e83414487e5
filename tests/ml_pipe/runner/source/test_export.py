"""The modules beside the notebooks are what the notebooks export."""

import importlib
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ml_pipe.runner.errors import PipelineError
from ml_pipe.runner.source import export
from ml_pipe.runner.source.export import PACKAGE, refresh_modules, reload_modules


class TestModules:
    """Exported again, aside, and replaced where they differ."""

    @pytest.fixture
    def package(self, tmp_path: Path) -> Path:
        """A copy of ours."""
        package = tmp_path / "ml_pipe"
        shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(PACKAGE.parent / "pyproject.toml", tmp_path)
        return package

    def test_ours_are_up_to_date(self, package: Path) -> None:
        """Nothing changes when they are exported again."""
        assert refresh_modules(package) == []

    def test_an_edited_cell_is_exported(self, package: Path) -> None:
        """And nothing but its module is written."""
        notebook = package / "01_model_class.ipynb"
        notebook.write_text(notebook.read_text().replace("MOST_COLUMNS = 30", "MOST_COLUMNS = 31"))
        assert refresh_modules(package) == ["model_class.py"]
        assert "MOST_COLUMNS = 31" in (package / "model_class.py").read_text()

    def test_a_cell_that_is_no_python_is_reported(self, package: Path) -> None:
        """The modules stay as they were."""
        notebook = package / "01_model_class.ipynb"
        notebook.write_text(notebook.read_text().replace("MOST_COLUMNS = 30", "MOST_COLUMNS = ("))
        before = (package / "model_class.py").read_text()
        with pytest.raises(PipelineError, match=r"cannot be exported: .*SyntaxError"):
            refresh_modules(package)
        assert (package / "model_class.py").read_text() == before

    def test_a_module_that_cannot_be_written_is_reported(self, package: Path) -> None:
        """A folder where it is written first stands for a read-only disk."""
        (package / "model_class.py").write_text("yesterday's")
        (package / ".model_class.py").mkdir()
        with pytest.raises(PipelineError, match="cannot be written"):
            refresh_modules(package)


class TestReload:
    """A kernel that imported a module before it changed."""

    @pytest.fixture
    def module(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
        """The module of a package with one notebook, imported as it was yesterday."""
        package = tmp_path / "exported_package"
        package.mkdir()
        (package / "00_rule.ipynb").touch()
        (package / "rule.py").write_text("LIMIT = 'yesterday'\ndef rule():\n    return LIMIT\n")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(export, "PACKAGE", package)
        for name in ("exported_package", "exported_package.rule"):
            monkeypatch.setitem(sys.modules, name, None)
            del sys.modules[name]
        return importlib.import_module("exported_package.rule")

    def test_names_that_came_from_it_are_what_it_holds_now(self, module: ModuleType) -> None:
        """Functions and constants; a name of the kernel's own stays, even of the same name."""
        namespace = {"rule": module.rule, "LIMIT": "mine", "other": module.rule}
        Path(str(module.__file__)).write_text(
            "LIMIT = 'today, edited'\ndef rule():\n    return LIMIT\n"
        )
        reload_modules(namespace)
        assert namespace["rule"]() == "today, edited"
        assert namespace["LIMIT"] == "mine"

    def test_one_that_cannot_be_imported_is_named(self, module: ModuleType) -> None:
        """With its notebook, where it is mended."""
        Path(str(module.__file__)).write_text("import no_such_module_anywhere\n")
        with pytest.raises(PipelineError, match=r"00_rule.ipynb cannot be imported \(ModuleNot"):
            reload_modules({})
