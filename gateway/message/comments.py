"""
Comments in the bodies of structured fields: text in parentheses, nested or not, that means nothing.

Source: RFC 5322 section 3.2.2.
"""

import re

_MARK = re.compile(r'\\.|["()]', re.DOTALL)


def without_comments(text: str, instead: str = "") -> str:
    """
    Leave out comments; the parentheses of quoted strings are none.

    Args:
        text: A field's body or some of it; a comment that nobody closes goes to its end.
        instead: What stands in the place of each comment.

    Returns:
        The text; the time is linear in it, whatever the nesting.
    """
    if "(" not in text:
        return text
    kept, depth, quoted, place = [], 0, False, 0
    for match in _MARK.finditer(text):
        mark = match[0]
        if mark == '"' and not depth:
            quoted = not quoted
        elif mark == "(" and not quoted:
            if not depth:
                kept.append(text[place : match.start()])
            depth += 1
        elif mark == ")" and depth:
            depth -= 1
            place = match.end()
            kept.append("" if depth else instead)
    return "".join(kept) + ("" if depth else text[place:])
