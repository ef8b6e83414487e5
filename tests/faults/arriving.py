"""An open loop with a ledger: it asks the model `moody`, whose answers are exact."""

from benchmarks.open_loop import NO_ANSWER, NOT_SENT, Arrivals, Outcome, run
from tests.faults.ledger import ANSWERED, Ledger

CONNECTIONS = 400
TIMEOUT_SECONDS = 10.0
_DIFFERENT = 500
"""So many bodies are different."""


def answered_per_second(outcome: Outcome, rate: float) -> float:
    """Return the goodput of requests that arrived at a rate, until the last one was answered."""
    ends = [a.number / rate + a.seconds for a in outcome.answers if a.status == ANSWERED]
    return len(ends) / max(ends)


def arrive(port: int, ledger: Ledger, version: str, *, rate: float, seconds: float) -> Outcome:
    """Let requests arrive at a constant rate; those that never left stand in no ledger.

    The open loop keeps no bodies: the ledger holds what `version` of the model must have answered,
    and the log is held against that.
    """
    bodies = [b'{"a":%d,"b":1}' % a for a in range(_DIFFERENT)]
    calls = [
        ledger.sending(ledger.next_number(), bodies[n % _DIFFERENT])
        for n in range(round(rate * seconds))
    ]
    outcome = run(
        Arrivals(
            port=port,
            bodies=bodies,
            rate=rate,
            seconds=seconds,
            connections=CONNECTIONS,
            timeout_seconds=TIMEOUT_SECONDS,
            request_id=lambda number: calls[number].request_id,
        )
    )
    for number, status, latency in outcome.answers:
        call = calls[number]
        if status not in {NOT_SENT, NO_ANSWER}:
            call.status, call.ended = status, call.sent + latency
        if status == ANSWERED:
            call.version = version
            call.answer = b'{"total":%d.0}' % (number % _DIFFERENT + 2)
    unsent = {calls[a.number].request_id for a in outcome.answers if a.status == NOT_SENT}
    ledger.calls = [call for call in ledger.calls if call.request_id not in unsent]
    return outcome
