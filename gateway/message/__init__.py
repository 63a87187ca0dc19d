"""Nouns that all stages share: envelope, content, reply, finding, verdict, policy.  Imports nothing from gateway."""
