"""Help: every page of the guide, every shortcut, what a view is; each can be searched."""

import re

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest

from gui.help import GuidePages, slug
from mesosynth import __version__
from mesosynth.system.paths import resource


def press(desk, keys):
    QTest.keySequence(desk, QKeySequence(keys))


@pytest.fixture
def opened(desk):
    press(desk, "F1")
    yield desk.help
    desk.help.close()
    desk.activateWindow()


def test_every_shortcut_is_listed_and_found_by_words(desk, opened):
    assert opened.height() <= desk.height()
    listed = {keys for keys, _ in opened.shortcuts.shown}
    single = [each for each in desk.actions_ if not each.id.startswith(("recall_", "store_"))]
    assert {each.native_keys for each in single} <= listed
    QTest.keyClicks(opened.shortcuts.line, "full screen")
    assert opened.shortcuts.shown == [("F11", "Full screen")]
    opened.shortcuts.line.clear()


def test_every_page_of_the_guide_is_shown_searched_and_linked(qapp):
    guide = GuidePages()
    pages = {path.name for path in resource("guide").glob("*.md")}
    assert len(pages) > 15
    assert guide.names.count() == len(pages)
    for row in range(guide.names.count()):
        guide.names.setCurrentRow(row)
        assert len(guide.text.toPlainText()) > 200
    guide.line.setText("taper nonsense")
    assert guide.names.count() == 0
    guide.line.setText("true peak")
    assert 0 < guide.names.count() < len(pages)
    guide._follow(QUrl("glossary.md#levels"))
    assert guide.text.textCursor().block().text() == "Levels"


def test_what_is_this_explains_each_view_and_every_link_of_the_glossary_leads_somewhere(desk):
    for id_ in desk.docks:
        desk.help.explain(desk.docks[id_].windowTitle())
        assert desk.help.guide.text.textCursor().block().text() == desk.docks[id_].windowTitle()
    desk.help.close()
    text = resource("guide", "glossary.md").read_text()
    headings = {slug(line[3:]) for line in text.splitlines() if line.startswith("## ")}
    views = resource("guide", "views.md").read_text()
    links = re.findall(r"glossary\.md#([\w-]+)", views) + re.findall(r"\(#([\w-]+)\)", text)
    assert set(links) <= headings


def test_about_names_the_versions(desk):
    desk.actions_["about"].trigger()
    assert desk.help.tabs.currentWidget() is desk.help.about
    assert __version__ in desk.help.about.toPlainText()
    desk.help.close()
