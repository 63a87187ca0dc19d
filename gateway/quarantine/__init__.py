"""Verdict `hold`: the message is kept on disk, with all it takes to send it on later."""
