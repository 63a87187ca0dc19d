"""tests/bench/cgroup.py: where processor time is to be read."""

import pytest

from tests.bench.cgroup import cpu_file, cpu_seconds


def test_cgroup_v1_with_controllers_mounted_together(tmp_path):
    """As Debian and Ubuntu mount it."""
    (tmp_path / "cpu,cpuacct").mkdir()
    membership = "4:cpu,cpuacct:/docker/0a1b\n3:memory:/docker/0a1b\n0::/system.slice"
    assert cpu_file(membership, tmp_path) == tmp_path / "cpu,cpuacct/docker/0a1b/cpuacct.usage"


def test_cgroup_v1_with_cpuacct_alone(tmp_path):
    """As a hand-made hierarchy has it."""
    (tmp_path / "cpuacct").mkdir()
    assert cpu_file("2:cpuacct:/docker/0a1b\n1:cpu:/docker/0a1b", tmp_path).parent.name == "0a1b"


def test_cgroup_v2(tmp_path):
    """One hierarchy for all."""
    (tmp_path / "cgroup.controllers").touch()
    file = cpu_file("0::/system.slice/docker-0a1b.scope\n", tmp_path)
    assert file == tmp_path / "system.slice/docker-0a1b.scope/cpu.stat"


def test_no_cgroup_that_counts_is_an_error(tmp_path):
    """Rather than a cost of nothing."""
    with pytest.raises(LookupError, match="no processor time"):
        cpu_file("0::/", tmp_path)


def test_units_are_seconds_in_both_layouts(tmp_path):
    """v1 counts nanoseconds, v2 microseconds."""
    old, new = tmp_path / "cpuacct.usage", tmp_path / "cpu.stat"
    old.write_text("1500000000\n")
    new.write_text("usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\n")
    assert cpu_seconds(old) == cpu_seconds(new) == 1.5
