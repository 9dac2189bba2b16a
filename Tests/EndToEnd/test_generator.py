"""The generator: the same bytes from the same seed, shaped like real sessions, torn as real writers tear."""

import gzip
import json
import random

import pytest

import generator


@pytest.mark.parametrize("agent", generator.AGENTS)
def test_same_seed_same_bytes(agent):
    one, two = (generator.session(11, agent, 60_000) for _ in range(2))
    assert one.steps == two.steps and one.sid == two.sid
    assert generator.session(12, agent, 60_000).steps != one.steps


@pytest.mark.parametrize("agent", generator.AGENTS)
def test_without_faults_every_line_is_an_object(agent):
    made = generator.session(3, agent, 200_000, children=2 if agent == "claude" else None)
    for path in made.streams:
        (data,) = made.generations(path)
        assert data.endswith(b"\n")
        assert all(isinstance(json.loads(line), dict) for line in data.splitlines())
    # Torn writes: some step ends inside a line.
    assert any(not step.data.endswith(b"\n") for step in made.steps)
    assert len(made.streams) == (3 if agent == "claude" else 1)


@pytest.mark.parametrize("agent", ["claude", "codex"])
def test_compresses_as_real_sessions_do(agent):
    data = b"".join(generator.session(seed, agent, 700_000).generations(path)[0] for seed in range(3)
                    for path in list(generator.session(seed, agent, 700_000).streams)[:1])
    assert 3.3 < len(data) / len(gzip.compress(data, 6)) < 6.7


def test_applied_and_torn_steps_give_the_same_files(tmp_path):
    made = generator.session(5, "claude", 100_000, faults=generator.FAULTS, children=2)
    made.apply(tmp_path / "a")
    for step in generator.torn(made.steps, random.Random(9)):
        step.apply(tmp_path / "b")
    for path in made.streams:
        assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes()
        assert (tmp_path / "a" / path).read_bytes() == made.generations(path)[-1]


@pytest.mark.parametrize("fault", generator.FAULTS)
def test_each_fault_can_be_had(fault):
    made = generator.session(8, "claude", 60_000, faults={fault: 1.0}, children=1)
    assert made.faults == [fault]


def test_a_child_comes_first_when_asked_to():
    made = generator.session(8, "claude", 60_000, faults={"child_first": 1.0}, children=1)
    assert made.streams[made.steps[0].path].startswith("agents/")
