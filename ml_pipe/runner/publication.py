"""`publish`: the last of the three calls: an estimator becomes a version that can be served."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from ml_pipe.runner.card import model_card
from ml_pipe.runner.choosing.decide import Decided
from ml_pipe.runner.choosing.storable import modules_of, policy_of
from ml_pipe.runner.errors import PipelineError
from ml_pipe.runner.evaluated import Evaluation
from ml_pipe.runner.loading import RunData, exports_now
from ml_pipe.runner.quality.acceptance import check_beaten
from ml_pipe.runner.run.context import Context
from ml_pipe.runner.run.personal import made_up
from ml_pipe.runner.run.pipeline import notebooks_of
from ml_pipe.runner.run.release import Release, keep_release, release
from ml_pipe.runner.run.run_folder import is_by_hand, keep_summary, run_context, run_in
from ml_pipe.runner.source.clean_notebook import digest
from ml_pipe.runner.source.kernel_history import check_saved, own_notebook
from ml_pipe.runner.summary import Comparison
from model_store.bundle import Compilation, Draft
from model_store.compile.compiling import compile_estimator
from model_store.file_store import FileModelStore
from model_store.golden import golden_rows
from model_store.manifest import Origin
from model_store.schema.arrays.array_cells import arrays_of
from model_store.schema.signature import Signature
from monitoring.statistics import profile

EVERY_ROW = Decided()
"""Each row gets the model's own answer."""


def publish(  # noqa: PLR0913 - all that a version is made of, each by its name
    run: RunData,
    estimator: Any,
    splits: Mapping[str, pd.DataFrame],
    evaluation: Evaluation,
    *,
    parameters: Mapping[str, str | int | float | bool | list[str] | None],
    decided: Decided = EVERY_ROW,
    accept_guessing: bool = False,
    alias: str = "champion",
    seed: int = 7,
) -> str:
    """Publish a version, and return some sentences on what was done.

    The alias moves once the version is sealed: by hand at once, in a run of `mlops train` by the
    process that runs this notebook, when it has ended.

    The bundle takes the estimator and, where it can be compiled, its compiled form; golden rows,
    which every later load must reproduce; the reference profile of the training rows and of the
    answers to the others; the model card; and where all of it comes from.

    Args:
        run: what `load` returned.
        estimator: a fitted one, of classes that can be imported.
        splits: those that it was fitted and evaluated on.
        evaluation: what `evaluate` returned.
        parameters: what shaped the model, for the manifest.
        decided: what `decide` returned: which rows get no answer, how many labels one names.
        accept_guessing: whether it may be no better than guessing.
        alias: the alias to move to the new version; empty: none.
        seed: which rows become golden.

    Raises:
        AcceptanceError: it is not better than guessing.
        PipelineError: by hand: a notebook was changed after `load`, or is not saved; or a class of
            the estimator is none that a service can import.
        RefusedError: the bundle cannot be loaded back, as with a type that is not trusted.
    """
    check_beaten(evaluation.comparison, accept_guessing=accept_guessing)
    if is_by_hand():
        _check_what_ran(run)
    context = run_context(fresh=True)
    facts, signature = run.facts, run.facts.signature
    modules = modules_of(estimator)
    rows = made_up(run.table[run.names], signature, facts.personal, seed)
    golden = golden_rows(estimator, signature, rows, seed=seed)
    compilation = compile_estimator(estimator, signature, golden)
    summary = msgspec.structs.replace(
        evaluation.summary, form=form_of(compilation), alias=alias, decision=decided.phrase
    )
    given = _given(evaluation.answers, decided)
    draft = Draft(
        model=facts.model,
        task=facts.task,
        estimator=estimator,
        signature=signature,
        golden=golden,
        format=context.model_format,
        scores=evaluation.scores,
        parameters=parameters,
        origin=origin_of(run, context, seed),
        requires=modules,
        reference=reference_of(given, splits, signature, facts.personal),
        card=model_card(facts, summary, evaluation.fairness, compilation.reason),
        decision=decided.decision,
        compilation=compilation,
    )
    store = FileModelStore(Path(context.local_data) / "models", policy_of(context))
    version, manifest = store.publish_noted(draft)
    made = Release(
        model=draft.model,
        version=version,
        manifest=manifest,
        alias=alias,
        reason=reason_of(evaluation.comparison),
    )
    remark = ""
    if is_by_hand():
        remark = release(context, made)
    else:
        keep_release(run.folder, made)
    summary = msgspec.structs.replace(summary, version=version)
    keep_summary(run.folder, summary)
    is_first = len(store.versions(facts.model)) == 1
    steps = remark or next_steps(facts.model, version, alias, is_first=is_first)
    sentences = f"{summary.text(str(run.folder))}\n\n{steps}"
    kept = {"model": facts.model, "version": version, "summary": sentences}
    (run.folder / "published.json").write_bytes(msgspec.json.encode(kept))
    return sentences


def _given(answers: np.ndarray, decided: Decided) -> np.ndarray:
    """Return answers as the service gives them: None where the model is not sure enough."""
    if decided.unsure is None:
        return answers
    given = answers.astype(object)
    given[decided.unsure] = None
    return given


def reason_of(comparison: Comparison) -> str:
    """Return why a version has its alias, for the alias's history: what it has beaten."""
    if comparison.is_beaten:
        return comparison.reason()
    return f"accepted although it is not better than guessing: {comparison.reason()}"


def form_of(compilation: Compilation) -> str:
    """Return by what a version is served, and why, a sentence."""
    if compilation.reason:
        return f"By its own library, as it has no compiled form. {compilation.reason}"
    return "Compiled, by ONNX Runtime, which was seen to answer the same."


def next_steps(model: str, version: str, alias: str, *, is_first: bool) -> str:
    """Return who answers now, and what to do next."""
    if alias == "champion":
        back = f"\nTo return to the version before: mlops models rollback {model}"
        return (
            "It is the champion now: a running service takes it up by itself, and `make serve` "
            f"starts one.{'' if is_first else back}"
        )
    named = f"The alias {alias} points to it" if alias else "No alias points to it"
    return (
        f"{named}: what is served stays as it is.\n"
        f"To let it answer: mlops models promote {model} {version}"
    )


def reference_of(
    unseen: np.ndarray,
    splits: Mapping[str, pd.DataFrame],
    signature: Signature,
    personal: Collection[str] = (),
) -> bytes:
    """Return the reference profile of inputs and answers as JSON.

    Inputs are those of the training rows; answers are those to rows that training has not seen,
    because answers to rows that it has seen look better than they will be. Personal columns are in
    no statistics, and have no profile.
    """
    used = [column for column in signature.inputs if column.name not in personal]
    found = profile(
        arrays_of(splits["train"], used),
        {column.name: column.kind for column in used},
        {column.name: column.dtype for column in used},
    )
    outputs = signature.outputs
    answered = unseen.reshape(len(unseen), len(outputs))
    answers = {c.name: answered[:, n] for n, c in enumerate(outputs) if c.name not in personal}
    return msgspec.json.encode(found | profile(answers, {c.name: c.kind for c in outputs}))


def origin_of(run: RunData, context: Context, seed: int) -> Origin:
    """Return where a version comes from: data, notebooks, run, git."""
    if is_by_hand():
        name, pipeline = run.folder.name, Path.cwd().name
        notebooks = {path.name: digest(path) for path in notebooks_of(Path.cwd())}
    else:
        known = run_in(run.folder)
        name, pipeline, notebooks = known.run, known.pipeline, known.notebooks
    return Origin(
        data=run.facts.fingerprint,
        source=run.facts.source,
        run=name,
        pipeline=pipeline,
        notebooks=notebooks,
        seed=seed,
        setup=context.setup,
        git_branch=context.git_branch,
        git_head=context.git_head,
        git_dirty=context.git_dirty,
    )


def _check_what_ran(run: RunData) -> None:
    """Check that what is published by hand is what the notebooks hold."""
    own = own_notebook(Path.cwd())
    if own:
        check_saved(own)
    now = exports_now()
    if changed := sorted(p.name for p in now if p != own and now[p] != run.exports.get(p)):
        raise PipelineError(
            f"{', '.join(changed)} changed after `load`: run the cells again from there."
        )
