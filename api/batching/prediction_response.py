"""The response to a prediction request that a model answered."""

from http import HTTPStatus

from starlette.responses import Response

from api.batching.prediction_job import Answer


class PredictionResponse(Response):
    """An answer of a model; made of its parts alone, as this is the one that must be quick."""

    def __init__(self, answer: Answer, *headers: tuple[bytes, bytes]) -> None:
        self.status_code = HTTPStatus.OK
        self.body = answer.body
        self.background = None
        self.raw_headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(answer.body)),
            *headers,
        ]
        if not answer.logged:
            self.raw_headers.append((b"prediction-logged", b"false"))
