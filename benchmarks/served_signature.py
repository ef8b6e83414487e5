"""What a running service says it serves: the signature that `POST /predict` asks for."""

from http import HTTPStatus

import msgspec

from model_store.schema.signature import Signature


class NotServedError(Exception):
    """The answer of `GET /models` names no model to send rows to."""


class _Version(msgspec.Struct):
    version: str
    signature: Signature


class _Model(msgspec.Struct):
    model: str
    default: bool
    aliases: dict[str, str]
    versions: list[_Version]


class _Models(msgspec.Struct):
    models: list[_Model]


def served_signature(status: int, body: bytes) -> Signature:
    """Return the signature of the default model's champion, from the answer of `GET /models`.

    Raises:
        NotServedError: the status is not 200, the body has another shape, or it has no default
            model with a champion.
    """
    if status != HTTPStatus.OK:
        raise NotServedError(
            f"GET /models answered with status {status}: check that the "
            "service is ready at this address, and that PREDICT_USERNAME and PREDICT_PASSWORD "
            "are those it was started with."
        )
    try:
        served = msgspec.json.decode(body, type=_Models)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotServedError(
            f"GET /models did not answer with a list of models ({error}): check that the address "
            "is that of this service, and of this version of it."
        ) from error
    for model in served.models:
        for version in model.versions:
            if model.default and version.version == model.aliases.get("champion"):
                return version.signature
    raise NotServedError(
        "The service has no default model with a champion: train or promote one first."
    )
