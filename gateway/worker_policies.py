"""The tables [policies.*] of filter.toml, as the policies a worker goes by, and readers of plain values."""

from gateway.message.policy import Judgement, Policy
from gateway.message.verdict import Action, Outcome

_KEYS = frozenset(
    {"checks", "outside", "inside", "verdicts", "verdicts_inside", "on_error", "tag_fields", "subject_prefix"}
)


def text(value: object) -> str:
    """Take text, or raise ValueError with what was expected."""
    if not isinstance(value, str):
        raise ValueError("text")
    return value


def strings(value: object, what: str) -> list[str]:
    """Take a list of text that is not empty, or raise ValueError with *what* was expected."""
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError(what)
    return value


def table(value: object, what: str) -> dict[str, object]:
    """Take a table, or raise ValueError with *what* was expected."""
    if not isinstance(value, dict):
        raise ValueError(what)
    return value


def policies(value: object) -> dict[str, Policy]:
    """
    Read all policies.

    Raises:
        ValueError: what was expected, and in which policy.
    """
    tables = table(value, "tables, with one named default")
    if "default" not in tables:
        raise ValueError("tables, with one named default")
    found = {}
    for name, keys in tables.items():
        try:
            found[name] = _policy(name, table(keys, "a table"))
        except ValueError as error:
            raise ValueError(f"{error} in policy {name}") from None
    return found


def _policy(name: str, keys: dict[str, object]) -> Policy:
    if set(keys) - _KEYS or "checks" not in keys:
        raise ValueError(f"checks, and of the other keys {', '.join(sorted(_KEYS - {'checks'}))}")
    verdicts = _outcomes(keys.get("verdicts", {}))
    fields = table(keys.get("tag_fields", {}), "a table")
    return Policy(
        name,
        tuple(strings(keys["checks"], "a list of names in checks")),
        Judgement(_outcome(keys.get("outside", "hold")), verdicts),
        Judgement(_outcome(keys.get("inside", "reject")), verdicts | _outcomes(keys.get("verdicts_inside", {}))),
        {check: _on_error(action) for check, action in table(keys.get("on_error", {}), "a table").items()},
        tuple((_printable(field), _printable(body)) for field, body in fields.items()),
        _printable(keys.get("subject_prefix", "")),
    )


def _printable(value: object) -> str:
    """Take text that may go into a header section as it is."""
    if not (text(value).isascii() and text(value).isprintable()):
        raise ValueError("printable ASCII in tag_fields and subject_prefix")
    return text(value)


def _outcomes(value: object) -> dict[str, Outcome]:
    return {key: _outcome(outcome) for key, outcome in table(value, "a table of verdicts").items()}


def _on_error(value: object) -> Action:
    if text(value) not in (Action.DEFER, Action.PASS, Action.HOLD):
        raise ValueError("defer, pass or hold in on_error")
    return Action(text(value))


def _outcome(value: object) -> Outcome:
    """Read "hold", "redirect:abuse@example.test" and the like; the target goes into RCPT as it is."""
    action, _, target = text(value).partition(":")
    plain = all("!" <= character <= "~" and character not in "<>" for character in target)
    if action not in set(Action) or (action == Action.REDIRECT) != bool(target) or not plain:
        raise ValueError(f"one of {', '.join(Action)}, with :TARGET behind redirect")
    return Outcome(Action(action), target)
