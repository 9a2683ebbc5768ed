"""The fear: a ratio of things that were not measured side by side, or the wrong way round."""

import json

import pytest

from benchmarks import before_after, checkouts, harness


def program(*words):
    return harness.program(
        "before_after", "", before_after.add_options, before_after.run, before_after.show, words
    )


def test_checkouts_take_turns_and_a_ratio_is_of_neighbours(monkeypatch, tmp_path, capsys):
    """On a machine that is half as fast in every round, this side takes 3/4 of the time."""
    (tmp_path / "mesosynth").mkdir()
    (tmp_path / "mesosynth" / "__init__.py").touch()
    log = []

    def measure(folder):
        log.append("after" if folder == checkouts.HERE else "before")
        slow = 2.0 ** (len(log) // 2 + len(log) % 2)
        return {"s": slow * (3.0 if folder == checkouts.HERE else 4.0), "missed": 0.0}

    monkeypatch.setattr(before_after, "QUESTIONS", {"toy": measure})
    assert program("--before", str(tmp_path), "--rounds", "3", "--only", "toy", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert log == ["before", "after"] * 3
    seconds, missed = answer["figures"]
    assert seconds["ratio"]["least"] == seconds["ratio"]["longest"] == pytest.approx(0.75)
    assert seconds["before"]["longest"] == pytest.approx(4 / 3 * seconds["after"]["longest"])
    assert missed["ratio"] is None
    before_after.show(answer)
    assert "0.750" in capsys.readouterr().out


def test_a_block_takes_the_time_that_it_takes():
    figures = before_after.QUESTIONS["block"](checkouts.HERE)
    one, many = figures.values()
    assert 1.0 < one < many < 1e5


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["--before", "/nowhere"], "/nowhere"),
        ([], "--before"),
        (["--before", ".", "--only", "colour"], "--only 'colour' must be of"),
    ],
)
def test_mistakes_are_one_sentence(words, cause, capsys, monkeypatch):
    monkeypatch.chdir(checkouts.HERE)
    assert program(*words) == 2
    error = capsys.readouterr().err
    assert cause in error
    assert error.startswith("before_after: ")
    assert len(error.splitlines()) == 1
