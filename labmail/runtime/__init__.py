"""Ground under everything: time, order, names, the one thread, the lab's own certificates.

``clock``    lab time: stands still unless moved
``agenda``   what is due at which lab time, and doing it in order
``counts``   whole numbers that a person has typed
``ids``      queue ids, message ids, boundaries: all from the lab's seed
``place``    where a lab that keeps nothing puts its files
``loop``     the one thread that runs the world
``ca``       the lab's certificate authority
"""
