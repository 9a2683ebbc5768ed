"""What the desk remembers."""

import json

import pytest

from gui.settings import Settings, load_settings, save_settings


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MESOSYNTH_CONFIG_DIR", str(tmp_path / "new"))
    return tmp_path / "new"


def test_nothing_yet_gives_defaults_without_a_word():
    assert load_settings() == (Settings(), "")


def test_what_was_saved_comes_back():
    settings = Settings(geometry="AAEC", folders={"Sounds": "/sounds"}, follow=False, gain=-12.5)
    assert save_settings(settings) == ""
    assert load_settings() == (settings, "")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"follow": "yes"}',
        '{"gain": true}',
        '{"gain": NaN}',
        '{"geometry": 3}',
        "\xff",
    ],
)
def test_a_broken_file_gives_defaults_and_a_sentence(folder, content):
    folder.mkdir()
    (folder / "desk.json").write_bytes(content.encode("latin-1"))
    settings, trouble = load_settings()
    assert settings == Settings()
    assert "desk.json" in trouble
    assert trouble.endswith("it is now desk.json.broken, and the desk starts with defaults.")
    assert (folder / "desk.json.broken").read_bytes() == content.encode("latin-1")


def test_settings_of_a_later_version_do_no_harm(folder):
    folder.mkdir()
    (folder / "desk.json").write_text(json.dumps({"follow": False, "zoom": 2}))
    settings, _trouble = load_settings()
    assert settings.follow is False
    save_settings(settings)
    assert json.loads((folder / "desk.json").read_text())["zoom"] == 2


def test_a_folder_that_cannot_be_written_is_a_sentence(folder):
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file where the folder should be")
    assert "cannot be written" in save_settings(Settings())
