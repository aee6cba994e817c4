#!/usr/bin/env python3
"""Fits the polynomials of lib/Kernel/Math and prints them as C++ (needs mpmath; gmpy2 makes it fast).

    scripts/fit-math.py [NAME...]        default: all of them

Each polynomial minimises the largest weighted error on its interval (Remez exchange, 200 bits). The coefficients are then rounded
one by one, lowest power first, and what remains is fitted again after each: the error that is printed is the one after rounding.
"""

import re
import sys

import mpmath as mp

mp.mp.prec = 200
GRID = 700


def solve(values, weights, basis, reference):
    """Coefficients and the error that alternates in sign on the points of `reference`."""
    size = len(reference)
    matrix, right = mp.matrix(size, size), mp.matrix(size, 1)
    for row, point in enumerate(reference):
        for column, power in enumerate(basis):
            matrix[row, column] = power[point]
        matrix[row, size - 1] = (-1) ** row / weights[point]
        right[row] = values[point]
    solution = mp.lu_solve(matrix, right)
    return [solution[i] for i in range(size - 1)], abs(solution[size - 1])


def extremes(error, count):
    """`count` points where the error alternates in sign, each the largest of its run; None if there are fewer."""
    runs = [[0]]
    for point in range(1, len(error)):
        if mp.sign(error[point]) == mp.sign(error[runs[-1][-1]]):
            runs[-1].append(point)
        else:
            runs.append([point])
    points = [max(run, key=lambda point: abs(error[point])) for run in runs]
    while len(points) > count:
        points = points[1:] if abs(error[points[0]]) < abs(error[points[-1]]) else points[:-1]
    return points if len(points) == count else None


def remez(points, values, weights, powers):
    basis = [[x**power for x in points] for power in powers]
    reference = [int((i + 0.5) * len(points) / (len(powers) + 1)) for i in range(len(powers) + 1)]
    best, best_error = None, None
    for _ in range(30):
        coefficients, level = solve(values, weights, basis, reference)
        sums = [sum(c * power[i] for c, power in zip(coefficients, basis)) for i in range(len(points))]
        error = [w * (s - v) for w, s, v in zip(weights, sums, values)]
        largest = max(map(abs, error))
        if best is None or largest < best_error:
            best, best_error = coefficients, largest
        if largest < level * mp.mpf("1.01"):
            break
        reference = extremes(error, len(powers) + 1)
        if reference is None:
            break
    return best


def fit(function, low, high, terms, weight, bits=24):
    """sum c[k] x^k for `function` on [low, high], least largest |weight * error|; returns (coefficients, error)."""
    low, high = mp.mpf(low), mp.mpf(high)
    points = [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * GRID)) for i in range(GRID)]
    values, weights = [function(x) for x in points], [weight(x) for x in points]
    rounded = []
    for power in range(terms):
        lowest = remez(points, values, weights, range(power, terms))[0]
        with mp.workprec(bits):
            lowest = +lowest
        rounded.append(lowest)
        values = [v - lowest * x**power for v, x in zip(values, points)]
    return rounded, max(abs(w * v) for w, v in zip(weights, values))


def fit_odd(function, high, terms, bits=24):
    """f(x) = x + x^3 p(x^2) on [0, high], least largest relative error."""
    root = mp.sqrt
    return fit(lambda z: (function(root(z)) / root(z) - 1) / z, TINY, mp.mpf(high) ** 2, terms,
               lambda z: root(z) * z / function(root(z)), bits)


def erfcx(a):
    return mp.erfc(a) * mp.exp(a * a)


LN2 = mp.log(2)
TINY = mp.mpf("1e-9")  # stands for 0, where the quotients have no value
REDUCED = LN2 / 2 * mp.mpf("1.003")  # |r| after subtracting a multiple of ln 2 that was rounded in f32
QUADRANT = mp.mpf("0.8")  # a little over pi / 4, for the same reason
MANTISSA = (mp.sqrt(0.5) - 1, mp.sqrt(2) - 1)

FITS = {
    # e^r = 1 + r + r^2 p(r)
    "exp": lambda: fit(lambda r: (mp.exp(r) - 1 - r) / r**2, -REDUCED, REDUCED, 5, lambda r: r * r / mp.exp(r)),
    # 2^r = 1 + r p(r)
    "exp2": lambda: fit(lambda r: (2**r - 1) / r, -0.5, 0.5, 6, lambda r: r / 2**r),
    # log(1 + f) = f + f^2 (-1/2 + f p(f))
    "log": lambda: fit(lambda f: (mp.log1p(f) - f + f * f / 2) / f**3, *MANTISSA, 8, lambda f: f**3 / mp.log1p(f)),
    "tanh": lambda: fit_odd(mp.tanh, 0.625, 5),
    "sinh": lambda: fit_odd(mp.sinh, 1, 4),
    # erf x = x + x p(x^2) on [0, 0.9]
    "erf": lambda: fit(lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1, TINY, 0.81, 6, lambda z: mp.sqrt(z) / mp.erf(mp.sqrt(z))),
    # erf x = 1 - 2^(x p(x)) from there on
    "erf-tail": lambda: fit(lambda x: mp.log(mp.erfc(x), 2) / x, 0.9, 3.93, 6, lambda x: x * mp.erfc(x) * LN2),
    # In f64: erfc x = exp(-x^2) / (1 + 2 x) p(t), t = (x - 3) / (x + 3), x in [0, 10.06]
    "erfc": lambda: fit(lambda t: erfcx(3 * (1 + t) / (1 - t)) * (1 + 6 * (1 + t) / (1 - t)), -1, 7.06 / 13.06, 11, lambda t: 1, bits=53),
    "sin": lambda: fit_odd(mp.sin, QUADRANT, 3),
    # cos x = 1 + z (-1/2 + z p(z)), z = x^2
    "cos": lambda: fit(lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2, TINY, QUADRANT**2, 3, lambda z: z**2 / mp.cos(mp.sqrt(z))),
    "tan": lambda: fit_odd(mp.tan, QUADRANT, 7),
    "asin": lambda: fit_odd(mp.asin, 0.5, 5),
    "atan": lambda: fit_odd(mp.atan, 1, 9),
    # In f64, for pow: atanh, of which log2 is made, and 2^r.
    "pow-log": lambda: fit_odd(mp.atanh, mp.mpf("0.17158"), 4, bits=53),
    "pow-exp": lambda: fit(lambda r: mp.mpf(2) ** r, -0.5, 0.5, 7, lambda r: 1 / mp.mpf(2) ** r, bits=53),
}


def main():
    for name in sys.argv[1:] or FITS:
        coefficients, error = FITS[name]()
        print(f"// {name}: error 2^{float(mp.log(error, 2)):.1f}")
        print("{" + ", ".join(re.sub(r"\.?0*p", "p", float(c).hex()) for c in coefficients) + "}")


main()
