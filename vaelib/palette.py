"""The colours and the marks of the course: one source for the figures and for the explorers in the browser."""

# Okabe and Ito's colours, safe for colour-blind readers; a marker says the same again.
BLUE = "#0072B2"
ORANGE = "#D55E00"
GREY = "#767676"
CLASS_COLOURS = (
    *("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"),
    *("#D55E00", "#8C6D31", "#000000", "#7A3FBF", "#767676"),
)
CLASS_MARKERS = "osD^vP*X<>"

# Text needs a contrast of 4.5 : 1 (WCAG 2.2, 1.4.3). On white, ORANGE has 3.9 and ORANGE_INK 4.8; on a dark page both
# colours must be lighter.
ORANGE_INK = "#C24E00"
BLUE_ON_DARK, ORANGE_ON_DARK = "#56B4E9", "#F0803C"
