"""The process of an import: reads a model and its examples, publishes a version, and ends.

`python -m mlops.exchange.child`, with a `Question` on standard input. It has no secret, and no key:
what it publishes has no seal yet.
"""

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from ml_pipe.runner.errors import AcceptanceError, PipelineError, TableError
from ml_pipe.runner.publication import form_of, reference_of
from ml_pipe.runner.reading.files.packing import fingerprint
from ml_pipe.runner.reading.options import ReadingOptions
from ml_pipe.runner.run.context import Context
from ml_pipe.runner.run.personal import made_up
from ml_pipe.runner.run.pipeline import Pipeline
from mlops.exchange.card import imported_card
from mlops.exchange.examples import read_examples
from mlops.exchange.files.recognition import Form
from mlops.exchange.judgement import Judgement, judge
from mlops.exchange.question import Answer, Question
from mlops.exchange.wants import Examples, Made, Source
from model_store.bundle import Compilation, Draft
from model_store.compile.compiling import compile_estimator
from model_store.errors import ModelStoreError
from model_store.file_store import FileModelStore
from model_store.first_load import limits
from model_store.golden import Golden, golden_answers
from model_store.manifest import Origin, Score, measured, shown
from model_store.schema.signature import Signature
from model_store.store import LoadPolicy
from settings.sources import PROJECT_ROOT

PIPELINE = PROJECT_ROOT / "ml_pipe"
_MOST_COLUMNS = 12


def main() -> None:
    """Answer the question on standard input, on what was standard output."""
    limits.end_with_parent()
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    answers = os.dup(1)
    # What a model prints is no answer.
    os.dup2(2, 1)
    try:
        answer = imported(question)
    except (ModelStoreError, TableError, PipelineError, AcceptanceError) as error:
        answer = Answer(reason=str(error))
    except Exception as error:  # noqa: BLE001 - a model from elsewhere may raise anything
        answer = Answer(reason=f"It cannot be imported ({type(error).__name__}: {error}).")
    sys.stdout.flush()
    os.write(answers, msgspec.json.encode(answer))
    # What a model has registered for the end is not run.
    os._exit(0)


def imported(question: Question) -> Answer:
    """Publish the model that is asked for, and return what it is.

    Raises:
        ModelStoreError: it cannot be served.
        TableError: the examples do not fit it.
        PipelineError: an option of the table is unknown.
        AcceptanceError: it is not better than guessing.
    """
    context = msgspec.convert(question.context, Context)
    policy = LoadPolicy(frozenset(context.model_formats), context.trusted_types)
    source = _source(question, policy)
    table = Path(question.examples)
    examples = read_examples(
        table,
        question.target,
        source.wants,
        _options(question),
        task=question.task,
        personal=context.personal_fields,
    )
    made = source.made(examples)
    judged = judge(
        made.predictor, examples, accept_guessing=question.accept_guessing, seed=question.seed
    )
    rows = made_up(examples.inputs, examples.signature, context.personal_fields, question.seed)
    golden = golden_answers(made.predictor, examples.signature, rows, seed=question.seed)
    compilation = made.compilation or compile_estimator(made.estimator, examples.signature, golden)
    draft = _draft(question, context, examples, made, judged, golden, compilation)
    store = FileModelStore(Path(context.local_data) / "models", policy)
    published = store.publish_noted(draft)
    text = _text(question, examples, judged, compilation, (*made.notes, *judged.comparison.remarks))
    return Answer(version=published.version, manifest=published.manifest, text=text)


def _source(question: Question, policy: LoadPolicy) -> Source:
    """Return the model in a file; each form imports its own libraries."""
    path, form = Path(question.file), Form(question.form)
    if form in {Form.SKOPS, Form.PICKLE}:
        from mlops.exchange.estimator_model import read_estimator  # noqa: PLC0415

        return read_estimator(path, form, policy, question.types, approved=question.approved)
    if form is Form.ONNX:
        from mlops.exchange.graphs.model import read_graph  # noqa: PLC0415

        return read_graph(
            path,
            question.types,
            labels=question.labels,
            output=question.output,
            scores=question.scores,
        )
    from mlops.exchange.booster_model import read_boosters  # noqa: PLC0415

    return read_boosters(path, form, question.types, question.labels)


def _options(question: Question) -> ReadingOptions:
    """Return how to read the examples: as the first notebook would, with the options given."""
    pipeline = Pipeline.read(PIPELINE)
    notebook = next(iter(pipeline.declarations))
    # Neither the folder's own table nor its columns are meant here.
    declared = pipeline.declarations[notebook]
    unknown = set(question.reading) - set(declared)
    if unknown:
        raise PipelineError(
            f'There is no parameter "{min(unknown)}" for reading a table: see 00_data_etl.ipynb.'
        )
    values = {n: declared[n].read(v, Path.cwd()) for n, v in question.reading.items()}
    return ReadingOptions.of(values)


def _draft(  # noqa: PLR0913, PLR0917 - all that a version is made of
    question: Question,
    context: Context,
    examples: Examples,
    made: Made,
    judged: Judgement,
    golden: Golden,
    compilation: Compilation,
) -> Draft:
    file, table = Path(question.file), Path(question.examples)
    personal = context.personal_fields
    return Draft(
        model=question.model,
        task=examples.task,
        estimator=made.estimator,
        signature=examples.signature,
        golden=golden,
        format=made.format,
        scores=[Score(metric=m, split="test", value=v) for m, v in judged.scores.items()],
        parameters={
            "imported_from": file.name,
            "imported_as": question.form,
            "imported_sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "accept_guessing": question.accept_guessing,
        },
        origin=Origin(
            data=fingerprint(table),
            source=table.name,
            seed=question.seed,
            setup=context.setup,
            git_branch=context.git_branch,
            git_head=context.git_head,
            git_dirty=context.git_dirty,
        ),
        requires=made.requires,
        reference=reference_of(
            judged.answers, {"train": examples.inputs}, examples.signature, personal
        ),
        card=imported_card(
            question.model,
            examples,
            judged,
            file=file.name,
            table=table.name,
            reason=compilation.reason,
            notes=made.notes,
        ),
        compilation=compilation,
    )


def _text(
    question: Question,
    examples: Examples,
    judged: Judgement,
    compilation: Compilation,
    notes: Any,
) -> str:
    """Return what was imported, for people: a line a fact."""
    signature = examples.signature
    scores = [
        f"{shown(m, 0)[0].replace('_', ' ')} {measured(m, v)}" for m, v in judged.scores.items()
    ]
    verdict = "beaten" if judged.comparison.is_beaten else "NOT BEATEN"
    looks = "; ".join(look.phrase() for look in judged.comparison.looks) or "too few rows"
    facts = {
        "Task": f"{examples.task} of {question.target}",
        "Columns": _columns(signature),
        "Examples": f"{len(examples.truth)} of {Path(question.examples).name}",
        "Score": f"{', '.join(scores)} (on the examples)",
        "Guessing": f"{verdict}: {looks}",
        "Served": "By ONNX Runtime, as it came."
        if question.form == Form.ONNX
        else form_of(compilation),
        "Beware": " ".join(notes),
    }
    return "\n".join(f"{name:<10}{fact}" for name, fact in facts.items() if fact)


def _columns(signature: Signature) -> str:
    shown = ", ".join(f"{c.name} ({c.kind})" for c in signature.inputs[:_MOST_COLUMNS])
    more = len(signature.inputs) - _MOST_COLUMNS
    return f"{shown} and {more} more" if more > 0 else shown


if __name__ == "__main__":
    main()
