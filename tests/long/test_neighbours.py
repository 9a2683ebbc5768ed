"""The fear: the JTFS is no better a chart of chirplets than cepstral coefficients."""

from mesosynth.paper.neighbours import make_neighbours


def test_the_jtfs_tells_the_rates_of_chirplets_and_mfcc_do_not(tmp_path):
    found = make_neighbours(tmp_path, quick=True)
    assert found["made"]
    ratios = found["ratios"]
    for name, low, high in (("f_c", 0.9, 1.11), ("f_m", 0.66, 1.5), ("gamma", 0.8, 1.25)):
        least, most = ratios["JTFS"][name][:2]
        assert low < least < 1.0 < most < high
    least, most = ratios["MFCC"]["f_m"][:2]
    assert least < 0.6
    assert most > 1.6
    assert not make_neighbours(tmp_path, quick=True)["made"]
