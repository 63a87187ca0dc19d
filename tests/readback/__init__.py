"""What the daemons' own parsers make of the generated files; needs them, so it runs in images/test."""

import pytest

pytest.register_assert_rewrite(
    *(f"tests.readback.{name}" for name in ("daemons", "meaning", "meaning_bind", "meaning_post", "meaning_postfix"))
)
