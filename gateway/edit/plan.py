"""
All edits of a message that is to leave, as splices of the content the checks saw.

Order at one place: what the checks add, then the policy's tags, then the links of lists.
"""

from collections.abc import Sequence

from gateway.edit.tag import tag
from gateway.message.edit import Splice
from gateway.message.mail import MailObject
from gateway.message.policy import Policy
from gateway.message.verdict import Report


def plan(mail: MailObject, policy: Policy, reports: Sequence[Report], *, tagged: bool) -> list[Splice]:
    """
    Collect the splices.

    Args:
        mail: As the editing checks left it.
        policy: Whose tag fields are meant.
        reports: Of all checks.
        tagged: The verdict asks for the tag fields.
    """
    splices = [splice for report in reports for splice in report.splices]
    if tagged:
        splices += tag(mail.header, policy)
    return splices
