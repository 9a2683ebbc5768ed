"""What a voice of the chirplet is: columns of a table that has a row for each."""

VOICES = 16
ROWS = 48
"""Places for voices: those beyond VOICES fade to make room. A key that finds none left cuts the
stretch that is rendered at once; with 32 places, ten keys in a block could cut it seven times."""

FIELDS = 19
(
    OCTAVES,  # place in its sweep, 0 in the middle
    CARRIER,  # phase, cycles
    MODULATION,  # phase, cycles
    COMING,  # level at the stretch's begin, may lie below 0, moved by
    RISE,  # per sample
    GOING,  # another level, may lie above 1; the lower one is heard. Moved by
    FADE,  # lost per sample; 0 until it is released
    STEP,  # of the carrier in the middle of the sweep, cycles a sample: at the block's begin
    AMPLITUDE,  # velocity, pressure and chance: at the block's begin
    NEXT_STEP,  # both at its end, in the same order, as they are copied in one go
    NEXT_AMPLITUDE,
    LEFT,
    RIGHT,
    HERTZ,  # of its key; 0 follows the parameter f_c
    DETUNE,  # ratio by which chance has it stray
    KEY,  # place of its key among those held, or -1
    CHANNEL,
    GAIN,  # by velocity and chance
    BORN,  # the how manyth it is
) = range(FIELDS)
