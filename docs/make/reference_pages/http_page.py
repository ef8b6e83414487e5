"""`docs/reference/http.md`."""

import inspect
from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.auth.roles import RoleNeeded
from api.http.problems import Problem
from docs.make.reference_pages.markdown import table
from docs.make.reference_pages.service import service

INTRODUCTION = """
`/docs` shows the same for the models that are served now, with the columns of each, and lets you try them. A role
is asked for as HTTP Basic; [security](../explanation/security.md#roles) explains the roles.
"""
ROUTES = {
    "/predict": "Rows in, answers out, in the same order; an object in, an object out. "
    "`?probabilities=true` adds the probability of each class.",
    "/models/{model}/predict": "The same, of a named model.",
    "/models/{model}/versions/{version}/predict": "The same, of a version that an alias names.",
    "/feedback": "The true values of predicted rows: "
    '`[{"request_id": "case-4711", "row": 0, "value": "Setosa"}]`; of several outputs an object of them by name.',
    "/business-metrics": 'Numbers of your own system, declared in the settings: `{"revenue": 12.5}`.',
    "/models": "What is served: versions, aliases, signatures, scores.",
    "/models/{model}": "The same of one model, with its card.",
    "/feedback/queue": "The rows most worth a label, `?rows=20`; `POST` gives each to one person at a time, `GET` reserves none.",
    "/monitoring": "The newest page of `mlops report` that no option narrowed.",
    "/metrics": "The metrics, for Prometheus.",
    "/health/live": "200 while the process answers.",
    "/health/ready": "200 while predictions can be answered; else 503 and a sentence on what is missing.",
    "/docs": "The routes, with the columns of each model, to try; needs no internet.",
    "/docs/{name}": "Files of that page.",
    "/openapi.json": "The same as OpenAPI, for programs.",
}
REQUESTS = """
## Requests

A body is JSON in UTF-8, declared as `Content-Type: application/json`. The service is strict: it takes no `true` or
`"5.1"` for a number, no unknown, missing or repeated key, no `NaN`, and `null` only where training saw missing values. A whole
number may be written for a number (`5` for `5.0`), and a whole float for an integer (`5.0` for `5`). A value outside the range that training saw is
answered, and counted.

The rows of the training table are accepted as pandas writes them:

- A date with a time and an offset, `2022-01-01T00:00:00Z`, is always accepted. A column whose training table had dates without an offset takes them
  in its time zone (`2022-01-01`, `2022-01-01 10:00`), and a column in a form of its own takes that form (`31/01/2022`). A refusal shows an example.
- Blanks around a text do not count, and an accent may be written in one character or in two. A blank text is missing where a value may be missing.
- A column may be named by its header in the table. The target and other columns that the model does not use may be present, each with a single value.
- A missing value is `null`. `json.dumps` of a table with gaps writes `NaN`, which is no JSON: the refusal names row and field.

The log keeps what the model read: the columns that it uses, by their names, dates without an offset as RFC 3339. A body that is written so is kept
as it is.

| header of the request | meaning |
| --- | --- |
| `X-Request-ID` | An id of your own: up to 128 of the characters A-Z, a-z, 0-9, `.`, `_`, `:` and `-`. It is logged; feedback names it. |
| `Authorization` | User name and password of a role, as HTTP Basic; or a key, as `Bearer`. |
| `X-API-Key` | A key. If both are sent, this one counts. |
| `traceparent` | A trace of yours (W3C Trace Context): the answer continues it, and the access line has its id as `trace_id`. |
| `Host` | Must be a name that the service answers for (`SERVICE_ALLOWED_HOSTS`), except for `/health/...`; else 421. |
| `Sec-Fetch-Site` | With `cross-site`, which browsers send for pages of other sites, only reading is allowed, except from `SERVICE_CORS_ORIGINS`. |

| header of the answer | meaning |
| --- | --- |
| `X-Request-ID` | The request's own id, or one that the service made. |
| `X-Model-Version` | The version that answered. |
| `Prediction-Logged: false` | The answer could not be logged. Only with `LOG_ON_FAILURE=serve`. |
| `Retry-After` | Seconds to wait before the next try, with 429 and 503. |
| `Keep-Alive` | How long an idle connection stays open: `SERVICE_KEEP_ALIVE_SECONDS`. |
| `Deprecation` | Since when the route is: `GET /feedback/queue` is replaced by `POST`. |

`HEAD` is answered wherever `GET` is.

## Problems

What is refused is explained in one shape, `application/problem+json` (RFC 9457). `errors` points to at most 16 places
of the body (JSON pointers). A problem never repeats a value that was sent.
"""


def http_parts() -> Iterator[str]:
    """Yield the parts of the page, after its introduction."""
    with (
        service(service_host="127.0.0.1") as (local, _),
        service(service_host="192.0.2.1") as (wide, _),
    ):
        rows = []
        for (method, path, here), (*_, elsewhere) in zip(_roles(local), _roles(wide), strict=True):
            role = here if here == elsewhere else f"{here} on loopback, else {elsewhere}"
            rows.append([f"`{method} {path}`", ROUTES[path], role])
    yield "## Routes"
    yield table(["route", "what it does", "role"], rows)
    yield REQUESTS.strip()
    problems = {kind.type: kind for kind in _subclasses(Problem)}
    shown = [
        [str(p.status), f"`urn:problem:{t}`", inspect.getdoc(p) or ""] for t, p in problems.items()
    ]
    yield table(["status", "type", "meaning"], sorted(shown))


def _roles(app: FastAPI) -> Iterator[tuple[str, str, str]]:
    """Yield method, path and role of every route."""
    for route in app.routes:
        if isinstance(route, APIRoute):
            [role] = [
                depends.dependency.role
                for depends in route.dependencies
                if isinstance(depends.dependency, RoleNeeded)
            ]
            for method in route.methods or ():
                yield method, route.path, str(role)


def _subclasses(kind: type[Problem]) -> Iterator[type[Problem]]:
    for found in kind.__subclasses__():
        yield found
        yield from _subclasses(found)
