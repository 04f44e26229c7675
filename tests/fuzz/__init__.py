"""Fuzz of the readers: files that are damaged on purpose, in many ways, from a seed.

``python -m tests.fuzz npy --minutes 10`` reads damaged ``.npy`` files for ten minutes in a
process of its own.  A case ends well in a value or in an error of this package that says
what is wrong, what was got and what to do.  Any other error, a warning of others, a crash,
more than five seconds, more memory than the size of the file explains, a pickle that ran,
or a file left behind is a defect.
"""
