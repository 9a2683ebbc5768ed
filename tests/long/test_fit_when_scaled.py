"""Fear: on a screen that shows everything bigger, something is cut off or overlaps."""

import pytest
from fitting import check_fit


@pytest.mark.parametrize("percent", [150, 200])
def test_nothing_is_cut_off_and_nothing_overlaps(percent, tmp_path):
    check_fit(percent, tmp_path)
