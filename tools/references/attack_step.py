"""The step of ADV2 against GRAD that every peer takes, as `adjoint bench --of step --interpreter grad` does.

With target t, m the map of the network f whose kinks have the derivative h, and q giving t the probability PROBABILITY:

    d = d/dx ( cross entropy of q and f(x) + COEFFICIENT * sum (m(x) - m_t)^2 ),  x' = x - ALPHA sign d within EPS of x_0
    m = normalised mean over POOL x POOL of the maximum over channels of | d/dx log odds of t |

With two copies the cross entropy is that of f with its own derivatives, with one copy that of the network of the map.
"""
import numpy

TAU = 1e-4
PROBABILITY = 0.97
COEFFICIENT = 0.05
ALPHA, EPS = 1 / 255, 8 / 255
POOL = 4
SIZE = 224


def inputs(batch):
    """float32: images [B, 3, SIZE, SIZE] in [0, 1), a direction of that shape, and the map to come close to, [B, h, w]."""
    random = numpy.random.default_rng(0)
    images = random.random((batch, 3, SIZE, SIZE), numpy.float32)
    side = SIZE // POOL
    return images, random.standard_normal(images.shape, numpy.float32), random.random((batch, side, side), numpy.float32)
