"""The one file: gateway.toml becomes frozen models, or every mistake in it is named at once."""
