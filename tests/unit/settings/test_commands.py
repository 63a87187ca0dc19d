"""Programs that the file names, and that cannot be run."""

import pytest

from gateway.settings.load import SettingsError
from tests.configurations import configure, minimal

EXTRA = '[checks.command.own]\nprogram = "own"\n'
EXPECTED = "expected a program in the directory commands beside this file, for all to read and execute"


def load(folder, mode=0o755, above=0o755):
    """Load a file that names a program of these modes."""
    (folder / "commands").mkdir()
    (folder / "commands/own").write_text("#!/bin/sh\n")
    (folder / "commands/own").chmod(mode)
    (folder / "commands").chmod(above)
    return configure(folder, minimal(EXTRA))


def test_program_that_is_there_is_fine(tmp_path):
    """Its name alone is in the settings."""
    assert load(tmp_path).settings.checks.command["own"].program == "own"


@pytest.mark.parametrize(
    ("mode", "above", "what"),
    [
        (0o644, 0o755, "is not for all to read and execute (chmod 755)"),
        (0o750, 0o755, "is not for all to read and execute (chmod 755)"),
        (0o711, 0o755, "is not for all to read and execute (chmod 755)"),
        (0o755, 0o750, "is in a directory that is not for all to read (chmod 755)"),
    ],
)
def test_program_that_the_runner_cannot_run_is_a_mistake(tmp_path, mode, above, what):
    """It runs as a user who owns nothing."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, mode, above)
    assert [mistake.text for mistake in caught.value.mistakes] == [
        f"checks.command.own.program: commands/own {what}; {EXPECTED}"
    ]


def test_program_that_is_missing_is_a_mistake(tmp_path):
    """With or without the directory."""
    for _ in range(2):
        with pytest.raises(SettingsError) as caught:
            configure(tmp_path, minimal(EXTRA))
        assert [mistake.text for mistake in caught.value.mistakes] == [
            f"checks.command.own.program: commands/own cannot be read (No such file or directory); {EXPECTED}"
        ]
        (tmp_path / "commands").mkdir(exist_ok=True)


def test_directory_is_no_program(tmp_path):
    """Nor is anything else that is no file."""
    (tmp_path / "commands/own").mkdir(parents=True)
    with pytest.raises(SettingsError, match="commands/own is no file"):
        configure(tmp_path, minimal(EXTRA))
