"""Bundles by somebody who writes to the store, and wants more than to choose what is answered."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from model_store import formats
from tests.api.conftest import sum_draft
from tests.faults.calls import call_once
from tests.faults.conftest import NewFault, Sums
from tests.faults.health_probe import asking_for_health
from tests.faults.ledger import Ledger
from tests.faults.load import Load
from tests.faults.service import Service, new_folder, started
from tests.model_store.checks.test_estimator_check import put, tree
from tests.model_store.conftest import reseal_bundle
from tests.waiting import wait_until

DOUBLE, INT64 = TensorProto.DOUBLE, TensorProto.INT64
Attack = Callable[[Path], None]


def graph(*nodes: Any, tensors: Any = ()) -> bytes:
    """Return a compiled model of two numbers that answers `answer_values`."""
    made = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("numbers", DOUBLE, [None, 2])],
        [helper.make_tensor_value_info("answer_values", DOUBLE, None)],
        tensors,
    )
    opsets = [helper.make_opsetid("", 20)]
    return bytes(helper.make_model(made, opset_imports=opsets, ir_version=10).SerializeToString())


def node(kind: str, *inputs: str, output: str = "answer_values", **attributes: Any) -> Any:
    """Return a node."""
    return helper.make_node(kind, list(inputs), [output], **attributes)


def reads_a_file(bundle: Path) -> None:
    """Answer with the bytes of the prediction log."""
    tensor = TensorProto(name="w", data_type=TensorProto.UINT8, dims=[16])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="local_data/predictions.sqlite")
    made = graph(node("Cast", "w", to=DOUBLE), tensors=[tensor])
    reseal_bundle(bundle, {"model.onnx": made})


def loops(bundle: Path) -> None:
    """Loop without end."""
    ends = [helper.make_tensor_value_info(n, TensorProto.BOOL, []) for n in ("go", "on")]
    turn = helper.make_tensor_value_info("turn", INT64, [])
    body = helper.make_graph([node("Identity", "go", output="on")], "b", [turn, ends[0]], ends[1:])
    made = graph(node("Loop", "", "", body=body, output="x"), node("ReduceSum", "numbers"))
    reseal_bundle(bundle, {"model.onnx": made})


def eats(bundle: Path) -> None:
    """Ask for 40 GB."""
    size = numpy_helper.from_array(np.array([5_000_000_000]), "c")
    reseal_bundle(bundle, {"model.onnx": graph(node("ConstantOfShape", "c"), tensors=[size])})


def computes_for_hours(bundle: Path) -> None:
    """Multiply large constants again and again, before the first request."""
    side = 4000
    size = numpy_helper.from_array(np.array([side, side]), "size")
    steps = [
        node("ConstantOfShape", "size", output="m0"),
        node("Cast", "m0", output="n0", to=DOUBLE),
    ]
    steps += [node("MatMul", f"n{n}", "n0", output=f"n{n + 1}") for n in range(2_000)]
    made = graph(*steps, node("Identity", "n2000"), tensors=[size])
    reseal_bundle(bundle, {"model.onnx": made})


def has_a_wild_tree(bundle: Path) -> None:
    """Lead a tree to other memory, for who reaches the estimator."""
    stored = formats.dump(tree(left_child=put(0, 10**9)), "skops")
    reseal_bundle(bundle, {"model.skops": stored, "model.onnx": b"none"})


def names_an_output_badly(bundle: Path) -> None:
    """Put a NUL into the name of an output."""
    path = bundle / "manifest.json"
    text = json.loads(path.read_bytes())
    text["signature"]["outputs"][0]["name"] = "total\0"
    path.write_text(json.dumps(text))
    reseal_bundle(bundle)


def has_a_deep_reference(bundle: Path) -> None:
    """Nest a reference profile as deep as nobody reads."""
    reseal_bundle(bundle, {"reference.json": b'{"a":' * 50_000})


ATTACKS: dict[str, tuple[Attack, str]] = {
    "reads a file": (reads_a_file, "not allowed here"),
    "loops": (loops, "not allowed here"),
    "eats": (eats, "more than 16777216 elements"),
    "computes for hours": (computes_for_hours, "tried in a process of its own"),
    "a wild tree": (has_a_wild_tree, "estimator is damaged"),
    "an output with a NUL": (names_an_output_badly, "control character"),
    "a deep reference": (has_a_deep_reference, r"reference\.json is damaged"),
}


def reason_of(service: Service, model: str) -> str:
    """Return why a model's version is refused, from the events; empty as long as it is not."""
    for line in (service.folder / "events").read_text().splitlines():
        # Most lines are those of requests.
        if f'"{model}"' not in line:
            continue
        event = json.loads(line)
        if event["event"] in {"model-refused", "model-loaded"}:
            return str(event.get("reason") or event.get("why"))
    return ""


@pytest.mark.slow  # a version is given the time that any may take
def test_a_hostile_bundle_harms_no_other(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """Each is refused, or served by its sealed estimator, with the reason; the other goes on."""
    fault = new_fault("a bundle reads files, loops, eats memory, leads elsewhere, names oddly")
    for _ in range(rounds):
        own = sums.copied(new_folder(tmp_path))
        ledger = Ledger()
        bad = [f"bad{number}" for number in range(len(ATTACKS))]
        for name, (attack, _) in zip(bad, ATTACKS.values(), strict=True):
            version = own.store.publish(replace(sum_draft(2.0), model=name))
            own.store.promote(name, version)
            attack(own.root / name / version)
        with (
            started(new_folder(tmp_path), own.root, SERVICE_EVENT_LEVEL="info") as service,
            asking_for_health(service.port) as health,
            Load(service.port, ledger, clients=1),
        ):
            for name, (_, reason) in zip(bad, ATTACKS.values(), strict=True):
                wait_until(partial(reason_of, service, name), seconds=200)
                assert re.search(reason, reason_of(service, name)), name
                fault.count("bundles refused")
            call, _ = call_once(service.port, ledger, [{"a": 1, "b": 1}], "/predict")
            assert call.status == 200
        assert set(ledger.statuses()) == {200}
        assert health.is_well
        fault.add(ledger.compare([service.log], sums.judge))
