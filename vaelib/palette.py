"""The colours and marks of every picture, in Python and in the browser: the one place where they stand."""

# Okabe and Ito's colours, safe for colour-blind readers; a marker says the same again.
BLUE = "#0072B2"
ORANGE = "#D55E00"
GREY = "#767676"
CLASS_COLOURS = (
    *("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"),
    *("#D55E00", "#8C6D31", "#000000", "#7A3FBF", "#767676"),
)
CLASS_MARKERS = "osD^vP*X<>"
