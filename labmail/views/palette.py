"""The colours of every drawing: Okabe and Ito's palette, which all eyes tell apart.

Colour never speaks alone: each meaning also has a line style, a direction or a word.
"""

from __future__ import annotations

INK = "#22303c"
"""Letters and strong lines."""
SOFT = "#5f6b76"
"""What is said aside."""
FAINT = "#c9c4b8"
"""Lane lines and hairlines."""
PAPER = "#fdfcf8"
"""The light sheet each drawing brings along, for dark themes too."""
EDGE = "#8c8c8c"
SHADE = "#f1efe6"
"""A box on the paper."""

BLUE = "#0072b2"
"""The client's words; push."""
GREEN = "#009e73"
"""Good news: delivered, +OK, 2yz."""
ORANGE = "#e69f00"
"""Not now: 4yz, deferred."""
VERMILION = "#d55e00"
"""No: 5yz, refused, bounced."""
PURPLE = "#a5588b"
"""Pull.  (The palette's reddish purple, a little darker, to be read on paper.)"""
SKY = "#56b4e9"
"""DNS."""
YELLOW = "#f0e442"
"""TLS's band."""
TEAL = "#2c7c9e"
"""DNS, as letters on paper."""
