"""Domains, aliases and mailboxes in tables: what the gates ask of them, and how they come to be there."""
