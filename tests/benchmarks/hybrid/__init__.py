"""Starts, conditions and parts of hybrid inversion compared on many models, job by job."""
