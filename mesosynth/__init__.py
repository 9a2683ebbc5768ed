"""Match a sound's mesostructure and play it.

A live chirplet arpeggiator (:mod:`mesosynth.host`), a matcher that descends on the joint
time-frequency scattering transform (:mod:`mesosynth.matching`, :mod:`mesosynth.scattering`), and
the session that holds the two together (:mod:`mesosynth.session`). After Vahidi et al.,
"Mesostructures: Beyond Spectrogram Loss in Differentiable Time-Frequency Analysis", JAES 2023.
"""

__version__ = "0.1.0"
