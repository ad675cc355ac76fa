"""The attack: generators of false statements, of orbits and of hostile calls.

Small samples of each run with the other tests; ``pytest -m sweep`` runs all of it.
"""
