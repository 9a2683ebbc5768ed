"""The colours of the desk, dark and light, by name.

Pictures stay dark in both, because their maps begin with black: WELL is their ground, GRID and
MATCH lie on it, ACCENT and DIM on it and on panels as well.
"""

DARK = {
    "WINDOW": "#121419",
    "PANEL": "#1a1d24",
    "EDGE": "#22262e",
    "RAISED": "#252a33",
    "HOVER": "#2e3440",
    "CARD": "#1f232b",
    "FIELD": "#0d0f13",
    "WELL": "#0d0f13",
    "LINE": "#2e343f",
    "GRID": "#222730",
    "TEXT": "#d7dce4",
    "DIM": "#8b95a5",
    "FAINT": "#566070",
    "OFF": "#1d2129",
    "OFF_EDGE": "#232831",
    "ACCENT": "#ffb454",
    "CHECKED": "#2b2720",
    "WARNING": "#f2c14e",
    "ERROR": "#ff7b72",
    "ALARM": "#2d2022",
    "MATCH": "#e8edf5",
}

LIGHT = {
    "WINDOW": "#e6e8ed",
    "PANEL": "#f7f8fa",
    "EDGE": "#d3d7df",
    "RAISED": "#e7e9ee",
    "HOVER": "#dadde5",
    "CARD": "#eff1f4",
    "FIELD": "#ffffff",
    "WELL": "#14171d",
    "LINE": "#c4c9d3",
    "GRID": "#2a303a",
    "TEXT": "#1b2027",
    "DIM": "#69737f",
    "FAINT": "#a0a8b4",
    "OFF": "#eceef2",
    "OFF_EDGE": "#dde0e7",
    "ACCENT": "#d07400",
    "CHECKED": "#fbecd6",
    "WARNING": "#8f6400",
    "ERROR": "#c8352e",
    "ALARM": "#fbe3e1",
    "MATCH": "#e8edf5",
}
