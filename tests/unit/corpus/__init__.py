"""What shows byte identity must itself be right."""
