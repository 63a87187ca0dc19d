"""What the daemons' own parsers make of the generated files; needs them, so it runs in images/test."""

import pytest

pytest.register_assert_rewrite("tests.readback.daemons", "tests.readback.meaning")
