"""Sample loop of the true-peak limiter.

True peak after ITU-R BS.1770-4, annex 2: the magnitude at a sample and at three points between it
and the next one, which windowed sincs interpolate from 16 samples. With m the true peak of the
louder channel, c the threshold, and L the latency in samples,

    h[n] = max(m[n-L], ..., m[n])                       the peak is held until its sample has left
    e[n] = max(h[n], d e[n-1])                          then it decays
    gain[n] = mean of c / max(c, e) over the attack     and it begins to fall before it
    y[n] = gain[n] x[n-L]

Peaks above the threshold are kept in a queue, from which each peak removes the smaller ones before
it: its first is the largest of the window (Lemire, *Streaming maximum-minimum filter using no more
than three comparisons per element*, 2006).
"""

from mesosynth.system.kernels import F4, F8, I8, kernel

TAPS = 16  # the recommendation's 12 are wrong by 0.12 dB near half the sample rate
CENTRE = TAPS // 2  # samples by which an estimate is late
PIECE = 128  # frames that become silent together


@kernel(
    "void(f4[:, :], f8, f8, i8, f8, f8[:, ::1], f4[:, ::1], f8[:, ::1], i8[::1], i8[::1], f8[::1])"
)
def limit(
    block: F4, threshold: float, decay: float, attack: int, loudest: float, sinc: F8,
    sound: F4, rings: F8, queue: I8, count: I8, levels: F8,
) -> None:  # fmt: skip
    """[audio] Limit a block in place.

    Parameters
    ----------
    block : (2, frames) float32
    threshold : float
        Amplitude c.
    decay : float
        Factor d per sample.
    attack : int
        Samples.
    loudest : float
        Amplitude; a piece with a sample that is not smaller, or is not a number, becomes silence.
    sinc : (TAPS, 3) float64
        Interpolators for 1/4, 2/4 and 3/4 of the way to the next sample, oldest sample first.
    sound : (2, 2 (L + 1)) float32
        The last L + 1 samples, twice, so that the last TAPS always lie side by side.
    rings : (2, L + 1) float64
        m and c / max(c, e) of the last L + 1 samples.
    queue : (L + 1,) int64
        Times of the peaks in the queue, as a ring.
    count : (4,) int64
        Samples so far, begin and end of the queue, and for how many samples c / max(c, e) was 1.
    levels : (4,) float64
        e and the sum of c / max(c, e) over the attack at the last sample; written: largest
        magnitude and largest true peak of what leaves in this block.
    """
    frames, length = block.shape[1], rings.shape[1]
    peaks, gains = rings[0], rings[1]
    n, begin, end, ones = count[0], count[1], count[2], count[3]
    at = n % length
    e, total, largest, true_peak = levels[0], levels[1], 0.0, 0.0
    for i in range(frames):
        if i % PIECE == 0:
            for k in range(i, min(i + PIECE, frames)):
                if not (abs(block[0, k]) < loudest and abs(block[1, k]) < loudest):
                    block[:, i : i + PIECE] = 0.0
                    break
        m = 0.0
        for channel in range(2):
            sound[channel, at] = sound[channel, at + length] = block[channel, i]
            first = at + length + 1 - TAPS
            p_1 = p_2 = p_3 = 0.0
            for k in range(TAPS):
                x = sound[channel, first + k]
                p_1 += sinc[k, 0] * x
                p_2 += sinc[k, 1] * x
                p_3 += sinc[k, 2] * x
            p_0 = float(sound[channel, first + CENTRE - 1])
            m = max(m, abs(p_0), abs(p_1), abs(p_2), abs(p_3))
        if begin < end and queue[begin % length] <= n - length:
            begin += 1
        peaks[at] = m
        if m > threshold:
            while begin < end and peaks[queue[(end - 1) % length] % length] <= m:
                end -= 1
            queue[end % length] = n
            end += 1
        e *= decay
        if begin < end:
            e = max(e, peaks[queue[begin % length] % length])
        gain = threshold / max(threshold, e)
        ones = ones + 1 if gain == 1.0 else 0
        total += gain - gains[at - attack if at >= attack else at - attack + length]
        gains[at] = gain
        if ones >= attack:
            total = float(attack)  # exactly, so that the samples pass bit for bit
        n += 1
        at = at + 1 if at + 1 < length else 0
        # The oldest sample is where the next one will be written, its peak CENTRE samples later.
        leaves = at + CENTRE if at + CENTRE < length else at + CENTRE - length
        true_peak = max(true_peak, peaks[leaves] * (total / attack))
        for channel in range(2):
            y = sound[channel, at] * (total / attack)
            block[channel, i] = y
            largest = max(largest, abs(y))
    count[0], count[1], count[2], count[3] = n, begin, end, ones
    levels[0], levels[1], levels[2], levels[3] = e, total, largest, true_peak
