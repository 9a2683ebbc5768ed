"""Fear: on some screen, in some size or look, something is cut off or overlaps."""

from fitting import check_fit


def test_nothing_is_cut_off_and_nothing_overlaps(tmp_path):
    check_fit(100, tmp_path)
