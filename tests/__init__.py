"""A package by name, so that no other distribution that brings a `tests` comes before it."""
