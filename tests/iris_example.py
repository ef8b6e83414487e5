"""A small table that everyone knows: a user may delete the example of the template."""

from pathlib import Path

from sklearn.datasets import load_iris

COLUMNS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
PARAMETERS = 'data = "iris.csv"\ntarget = "variety"\nlowest_score = 0.85\nlargest_gap = 0.15\n'
REQUEST = b"""[
    {"sepal_length": 6.7, "sepal_width": 3.5, "petal_length": 5.2, "petal_width": 2.3},
    {"sepal_length": 5.0, "sepal_width": 3.4, "petal_length": 1.5, "petal_width": 0.2}
]"""
ANSWER = [{"variety": "Virginica"}, {"variety": "Setosa"}]


def iris_example(parent: Path) -> Path:
    """Write the folder `iris`: 150 flowers of three varieties, and what a run needs to know."""
    folder = parent / "iris"
    folder.mkdir()
    iris = load_iris(as_frame=True)
    table = iris.data.set_axis(COLUMNS, axis="columns")
    names = [name.capitalize() for name in iris.target_names]
    table["variety"] = [names[number] for number in iris.target]
    table.to_csv(folder / "iris.csv", index=False)
    (folder / "parameters.toml").write_text(PARAMETERS)
    return folder
