#!/usr/bin/env python3
"""Fits the polynomials of lib/CPU/Math and prints them as C++ (needs mpmath; gmpy2 makes it fast).

    scripts/fit-math.py [NAME...]        default: all of them

Each polynomial minimises the largest weighted error on its interval (Remez exchange, 200 bits). The coefficients are then rounded
one by one, lowest power first, and what remains is fitted again after each: the error that is printed is the one after rounding.
"""

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


def even(function):
    """f(sqrt z): odd and even functions are fitted in z = x^2."""
    return lambda z: function(mp.sqrt(z))


def of_square(function, weight):
    return even(function), even(weight)


LN2 = mp.log(2)
REDUCED = LN2 / 2 * mp.mpf("1.003")  # |r| after subtracting a multiple of ln 2 that was rounded in f32
TINY = mp.mpf("1e-9")  # stands for 0, where the quotients have no value
MANTISSA = (mp.sqrt(0.5) - 1, mp.sqrt(2) - 1)

FITS = {
    # e^r = 1 + r + r^2 p(r)
    "exp": lambda: fit(lambda r: (mp.exp(r) - 1 - r) / r**2, -REDUCED, REDUCED, 5, lambda r: r * r / mp.exp(r)),
    # log(1 + f) = f + f^2 (-1/2 + f p(f))
    "log": lambda: fit(lambda f: (mp.log1p(f) - f + f * f / 2) / f**3, *MANTISSA, 8, lambda f: f**3 / mp.log1p(f)),
    # tanh x = x + x^3 p(x^2)
    "tanh": lambda: fit(*[(f := even(lambda x: (mp.tanh(x) / x - 1) / x**2)), TINY, 0.625**2, 5], even(lambda x: x**3 / mp.tanh(x))),
    # erf x = x + x p(x^2)
    "erf": lambda: fit(even(lambda x: mp.erf(x) / x - 1), TINY, 1, 7, even(lambda x: x / mp.erf(x))),
    # erf x = 1 - exp(-x p(x))
    "erf-tail": lambda: fit(lambda x: -mp.log(mp.erfc(x)) / x, 1, 3.93, 7, lambda x: x * mp.erfc(x)),
}


def main():
    for name in sys.argv[1:] or FITS:
        coefficients, error = FITS[name]()
        print(f"// {name}: error 2^{float(mp.log(error, 2)):.1f}")
        print("{" + ", ".join(float(c).hex().replace("0" * 7 + "p", "p") for c in coefficients) + "}")


main()
