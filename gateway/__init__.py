"""Sallyport: a mail gateway with two gates and a yard between them, generated from one file."""
