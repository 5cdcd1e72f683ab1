"""Eigenvalues by numpy, for the test of `spectrum.rs`: python numpy.py > numpy.json"""

import json
import sys

sys.path.pop(0)  # This file's own folder, in which it would be found in the place of numpy.
import numpy

random = numpy.random.default_rng(1)
cases = []
for size in [1, 2, 7, 24]:
    rows = (random.normal(size=(size, size)) / size**0.5).astype(numpy.float32)
    values = numpy.linalg.eigvals(rows.astype(numpy.float64))
    values = sorted([float(value.real), float(value.imag)] for value in values)
    cases.append({"size": size, "rows": rows.flatten().tolist(), "eigenvalues": values})
json.dump(cases, sys.stdout)
