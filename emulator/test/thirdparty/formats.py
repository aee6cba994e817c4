"""What NumPy lacks: bf16, tf32, fp8, and integers that wrap."""

import numpy as np


def bf16(x):
    """The bits of the nearest bf16, ties to even."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def from_bf16(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def tf32(x):
    """The nearest with ten bits behind the point, ties away from zero (cvt.rna)."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return ((bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32)


def fp8_values(exponent_bits, mantissa_bits, bias, infinite):
    """The value of each of the 256 codes."""
    values = np.empty(256)
    for code in range(256):
        e, m = code >> mantissa_bits & (1 << exponent_bits) - 1, code & (1 << mantissa_bits) - 1
        top = e == (1 << exponent_bits) - 1
        scale = 2.0 ** (max(e, 1) - bias - mantissa_bits)
        v = scale * (m + (1 << mantissa_bits if e else 0))
        if top and (infinite or m == (1 << mantissa_bits) - 1):
            v = np.inf if infinite and m == 0 else np.nan
        values[code] = -v if code & 0x80 else v
    return values


E4M3, E5M2 = fp8_values(4, 3, 7, False), fp8_values(5, 2, 15, True)


def fp8(x, values):
    """The code of the nearest finite value, ties to an even code: satfinite."""
    codes = np.array([c for c in range(128) if np.isfinite(values[c])])
    magnitudes = values[codes]
    out = np.empty(x.shape, np.uint8)
    for at, v in np.ndenumerate(x):
        d = np.abs(magnitudes - min(abs(float(v)), magnitudes[-1]))
        near = codes[d == d.min()]
        out[at] = (near[near % 2 == 0][0] if len(near) > 1 else near[0]) | (0x80 if np.signbit(v) else 0)
    return out


def erf(x):
    """Abramowitz and Stegun's series in double: exact to 1e-15 for |x| < 6."""
    x = np.asarray(x, np.float64)
    term, total = x.copy(), x.copy()
    for n in range(1, 200):
        term = term * -x * x / n
        total = total + term / (2 * n + 1)
    return total * 2 / np.sqrt(np.pi)


def int32(x):
    """Wraps to 32 bits."""
    return np.asarray(x).astype(object).__and__(0xFFFFFFFF).astype(np.uint32).view(np.int32) if np.asarray(x).dtype == object else \
        (np.asarray(x).astype(np.int64) & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
