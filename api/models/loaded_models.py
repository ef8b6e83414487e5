"""The models that are served: immutable, replaced as a whole when anything changes."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from api.http.body_errors import Explainer
from api.http.problems import NoModel, NotFound
from api.models.training_range import TrainingRange
from model_store.aliases import CHAMPION
from model_store.errors import RefusedError
from model_store.manifest import Manifest
from model_store.schema.answer_encoder import AnswerEncoder
from model_store.schema.row_decoder import RowDecoder
from model_store.schema.signature import Signature
from model_store.store import LoadedModel
from monitoring.criteria import monitored_columns, scored_version
from monitoring.feedback.answer_scores import ScoredVersion
from monitoring.windows.columns import WindowColumn


@dataclass(frozen=True, eq=False)
class ServedModel:
    """A loaded version, with what the service derives from it once."""

    loaded: LoadedModel
    decoder: RowDecoder
    """As of the loaded version, with the settings' limits."""
    encoder: AnswerEncoder
    explainer: Explainer
    training_range: TrainingRange
    version_header: tuple[bytes, bytes]
    shown: Signature
    """As callers and pages see it: without values of personal columns."""
    monitored: tuple[WindowColumn, ...]
    """The columns of its window, with the reference that they are compared with."""
    scored: ScoredVersion

    @classmethod
    def of(
        cls, loaded: LoadedModel, *, max_string: int, personal: Collection[str] = ()
    ) -> "ServedModel":
        """Derive everything from a loaded version.

        Whatever fails here fails for this version alone: it is not served.
        """
        signature = loaded.manifest.signature
        if loaded.manifest.decision.needs_probabilities and not loaded.predictor.classes:
            raise RefusedError(
                "It decides by probabilities and has none: train it again, without "
                "least_confidence and top."
            )
        return cls(
            loaded,
            RowDecoder(signature, max_string=max_string),
            AnswerEncoder(signature, loaded.predictor.classes, loaded.manifest.decision),
            Explainer(signature, max_string=max_string),
            TrainingRange(signature),
            (b"x-model-version", loaded.manifest.version.encode("ascii")),
            signature.without_values(personal),
            monitored_columns(loaded.manifest, loaded.reference, personal_fields=personal),
            scored_version(loaded.manifest),
        )

    @property
    def compiled(self) -> bool:
        """Whether the compiled form answers, which runs no Python of the model's own."""
        return self.loaded.form == "compiled"

    @property
    def card(self) -> str:
        """The version's card, unless it is older than the setting that makes a column personal."""
        if self.shown == self.manifest.signature:
            return self.loaded.card
        return "Not shown: it holds values of columns that are personal by now. Train again."

    @property
    def manifest(self) -> Manifest:
        """The version's manifest."""
        return self.loaded.manifest


@dataclass(frozen=True)
class Refusal:
    """A version that an alias names but that is not served, and why."""

    model: str
    version: str
    reason: str


@dataclass(frozen=True)
class LoadedModels:
    """Every model that is served."""

    default: str = ""
    """The model behind `/predict`; empty while that is undecided."""
    versions: Mapping[str, Mapping[str, ServedModel]] = field(default_factory=dict)
    """Served versions by model and version."""
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The version that each alias stands for, of served versions only, by model."""
    refusals: tuple[Refusal, ...] = ()
    loading: tuple[tuple[str, str], ...] = ()
    """Models and versions that are still being loaded."""

    def __iter__(self) -> Iterator[ServedModel]:
        """Iterate over all served versions."""
        for versions in self.versions.values():
            yield from versions.values()

    def resolve(self, model: str = "", version: str = "") -> ServedModel:
        """Return the version that answers: the one named, or the champion.

        Raises:
            NotFound: the store has no such model, or the version is not served.
            NoModel: the model has no champion that could be loaded.
        """
        name = model or self.default
        if not name:
            raise NoModel(self.missing())
        if name not in self.versions:
            if model:
                raise NotFound("No model of that name is served: GET /models lists them.")
            raise NoModel(self.missing())
        served = self.versions[name]
        if version:
            if version not in served:
                raise NotFound(
                    "That version is not served: give it an alias with `mlops models promote`."
                )
            return served[version]
        champion = self.aliases[name].get(CHAMPION)
        if champion is None:
            raise NoModel(f"The model {name} has no champion that could be loaded.")
        return served[champion]

    def missing(self) -> str:
        """Return a sentence on why `/predict` has no model; empty when it has one."""
        if CHAMPION in self.aliases.get(self.default, {}):
            return ""
        for model, version in self.loading:
            if not self.versions or model == self.default:
                return f"Version {version} of {model} is being loaded: ask again soon."
        for refusal in self.refusals:
            if not self.versions or refusal.model == self.default:
                return refusal.reason
        if self.default:
            return f"The model {self.default} has no champion: publish one with `mlops train`."
        if self.versions:
            known = ", ".join(sorted(self.versions))
            return f"Set MODEL_NAME to the model that /predict answers with: {known}."
        return "The model store is empty: publish a model with `mlops train`."
