"""The shape of the code: who imports whom, which test belongs to which module, how large things get."""

import ast
from pathlib import Path

import pytest

import gateway

ROOT = Path(gateway.__file__).parent
TESTS = Path(__file__).parent
STAGES = ("accept", "check", "decide", "edit", "forward", "quarantine", "trace")  # of the filter
PATH = ("transaction", "search", "judge")  # what is between the stages
MODULES = sorted(path for path in ROOT.rglob("*.py") if path.name != "__init__.py")
FILTER = [path for path in MODULES if path.relative_to(ROOT).parts[0] in (*STAGES, "message")]
FILTER_AND_PROCESSES = [
    *FILTER,
    *(ROOT / f"{name}.py" for name in (*PATH, "worker", "worker_settings", "worker_policies", "stdio", "probe")),
]


def package(path: Path) -> str:
    """Give the part of the gateway a module belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Give the parts of the gateway a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    return {name.split(".")[1] for name in names if name.startswith("gateway.")}


def test_stages_import_only_themselves_and_the_nouns():
    """Only what is on THE PATH sees several."""
    for path in FILTER:
        allowed = {package(path), "message"} if package(path) != "message" else {"message"}
        assert imported(path) <= allowed, path


def test_the_path_sees_all_stages_and_is_short():
    """THE PATH reads at one sitting: what passes on, and what is looked into."""
    transaction, search, judge = (ROOT / f"{name}.py" for name in PATH)
    assert imported(transaction) == {"accept", "forward", "trace", "message", "judge", "search"}
    assert imported(search) == {"accept", "forward", "trace", "message", "judge"}
    assert imported(judge) == {"check", "decide", "edit", "forward", "message", "quarantine"}
    for path, lines in ((transaction, 100), (search, 140), (judge, 100)):
        assert len(path.read_text("utf-8").splitlines()) < lines, path


def test_nothing_of_the_filter_knows_the_settings():
    """Stages take values."""
    for path in FILTER_AND_PROCESSES:
        assert not imported(path) & {"settings", "render", "operate"}, path


def test_aiosmtpd_is_known_to_one_file():
    """What replaces it one day is there."""
    users = [path for path in MODULES if "aiosmtpd." in path.read_text("utf-8")]
    assert users == [ROOT / "accept" / "session.py"]


@pytest.mark.parametrize("path", FILTER, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_has_its_test(path):
    """gateway/X/y.py has tests/unit/X/test_y.py."""
    relative = path.relative_to(ROOT)
    assert (TESTS / relative.parent / f"test_{relative.name}").is_file()


def test_tests_have_their_module():
    """A test file left behind tests nothing."""
    for path in TESTS.glob("*/test_*.py"):
        if path.parent.name in (*STAGES, "message"):
            assert (ROOT / path.parent.name / path.name.removeprefix("test_")).is_file(), path


def test_functions_stay_short():
    """Nine of ten under 40 lines without their docstring; in the filter all are."""
    for path in FILTER_AND_PROCESSES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
                assert (node.end_lineno or 0) - first.lineno < 40, f"{path}: {node.name}"
