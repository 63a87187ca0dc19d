"""What the tests of the commands share: a place to run them in."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from gateway.operate.cli import main
from tests.configurations import minimal


class Appliance:
    """A gateway.toml and a rendered volume, and the command run on them."""

    def __init__(self, folder):
        self.config = folder / "config/gateway.toml"
        self.config.parent.mkdir()
        self.config.write_text(minimal())
        self.rendered = folder / "rendered"
        self.rendered.mkdir()

    def run(self, command, *arguments, config=False, rendered=False):
        """Run a command with the options it takes; return what click's runner says of it."""
        options = (["--config", str(self.config)] if config else []) + (
            ["--rendered", str(self.rendered)] if rendered else []
        )
        return CliRunner().invoke(main, [command, *options, *arguments])

    def render(self):
        """Render, and return the output."""
        return self.run("render", config=True, rendered=True)

    def plan(self, *arguments):
        """Plan, and return the output."""
        return self.run("plan", *arguments, config=True, rendered=True)

    def files(self):
        """Return all files of the volume, links resolved."""
        return {
            str(path.relative_to(self.rendered)): path.read_text()
            for path in self.rendered.rglob("*")
            if path.is_file()
        }

    def change(self, old, new):
        """Edit the file."""
        text = self.config.read_text()
        assert old in text
        self.config.write_text(text.replace(old, new))


@pytest.fixture
def appliance(tmp_path):
    """Return an appliance with the smallest file, not rendered yet."""
    return Appliance(tmp_path)
