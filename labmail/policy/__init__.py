"""Policy: what a host makes of a caller or a letter that the protocol alone would allow.

``greylist``   a stranger is asked to come again: the memory of triplets, on lab time
"""
