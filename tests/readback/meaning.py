"""
What a configuration means to each daemon, said a second time and compared with what its parser reads.

What no setting decides must be as it is for the default file; what a setting decides is computed here, from the
settings alone.  Each comparison is of whole sets: a parameter, service, zone, record or program too many fails.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.render.tree import Tree, of_service, render
from gateway.settings.load import Configuration
from gateway.worker_settings import load as load_worker
from tests.golden.cases import NOW, write
from tests.readback.daemons import Bind, Postfix, programs
from tests.readback.meaning_bind import check_bind
from tests.readback.meaning_post import check_post, redirects
from tests.readback.meaning_postfix import check_pre, slots


def check(configuration: Configuration) -> Tree:
    """Render a configuration, and let every daemon read it back; return the tree."""
    tree = render(configuration, {}, NOW)
    with TemporaryDirectory() as folder:
        root = Path(folder)
        write(root, tree)
        check_pre(configuration, Postfix(root / "postfix-pre"))
        check_post(configuration, Postfix(root / "postfix-post"))
        check_bind(configuration, Bind(root / "chroot"), of_service(tree, "bind"))
        check_filter(configuration, root / "filter")
    return tree


def worker_command(name: str) -> str:
    """Return how a worker is started: the socket, fd 100 of supervisord, is its fd 0."""
    return f'bash -c "exec python -m gateway.worker /run/config/filter.toml /run/alive/{name} <&100 100<&-"'


def check_filter(configuration: Configuration, directory: Path) -> None:
    """The yard: supervisor's programs, and what each worker loads."""
    settings = configuration.settings
    workers = settings.filter.workers
    assert programs(directory / "supervisord.conf") == {
        "EventListenerPoolConfig:fatal": [("fatal", "python -m gateway.operate.fatal")],
        "EventListenerPoolConfig:watchdog": [("watchdog", "python -m gateway.operate.watchdog /run/alive")],
        "EventListenerPoolConfig:expire": [("expire", "python -m gateway.operate.expire /run/config/filter.toml")],
        f"ProcessGroupConfig:filter-of-{workers}": [
            (f"filter-{number:02d}", worker_command(f"filter-of-{workers}:filter-{number:02d}"))
            for number in range(workers)
        ],
    }
    told = load_worker(directory / "filter.toml")
    eighths = list(settings.gateway.subnet.subnets(prefixlen_diff=3))
    assert told.next_hops == ((str(eighths[2][5]), 10026),)
    assert told.helo_name == f"filter.{settings.gateway.hostname}"
    assert told.max_transactions * workers == slots(configuration)
    assert told.max_message_octets == settings.gateway.message_size_limit + 2**20
    assert (told.reply_timeout_s, told.commit_timeout_s, told.transaction_timeout_s) == (
        settings.filter.reply_timeout,
        settings.filter.commit_timeout,
        settings.filter.transaction_timeout,
    )
    assert (told.log_format, told.log_level) == (settings.log.format, settings.log.level)
    assert told.xforward_peers == {str(eighths[1][3])}
    assert told.doors == {hop: ((str(eighths[2][5]), 10027 + n),) for n, hop in enumerate(redirects(configuration))}
    assert {name: list(policy.checks) for name, policy in told.policies.items()} == {
        name: list(policy.checks) for name, policy in settings.policies.items()
    }
