"""A photograph through every formulation: the results are compared with SciPy and written as pictures."""

import numpy as np
import oracle
import pytest
import skimage.data
from PIL import Image
from scipy import signal
from support import ROOT, assert_problem, convolve, decode, encode, post

PICTURES = ROOT / ".build/pictures"
BINOMIAL = np.array([1, 4, 6, 4, 1])
FILTERS = {
    "sobel-x": np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
    "sobel-y": np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
    "gaussian": np.outer(BINOMIAL, BINOMIAL) / 256,
    "sharpen": np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
}
# A dense matrix for 512×512 would take a quarter of a terabyte: it sees a piece of the photograph.
CASES = [
    ("direct", "sparse", 512),
    ("toeplitz", "sparse", 512),
    ("banded", "dense", 512),
    ("banded", "sparse", 512),
    ("toeplitz", "dense", 64),
]


@pytest.fixture(scope="module")
def photograph():
    pixels = skimage.data.camera()
    assert pixels.shape == (512, 512)
    return pixels.astype("float32")


def write_picture(name, result):
    """The result in grey, from its least value (black) to its greatest (white)."""
    assert result.max() > result.min(), f"{name} is one flat colour"
    PICTURES.mkdir(parents=True, exist_ok=True)
    grey = (result - result.min()) * (255 / (result.max() - result.min()))
    Image.fromarray(grey.round().astype(np.uint8)).save(PICTURES / f"{name}.png")


@pytest.mark.parametrize("formulation, storage, side", CASES)
@pytest.mark.parametrize("name", FILTERS)
def test_a_photograph(server, photograph, name, formulation, storage, side):
    # The man and his camera are in this corner, so that a piece of 64×64 is no empty sky.
    image = photograph if side == 512 else photograph[100 : 100 + side, 200 : 200 + side]
    taps = FILTERS[name].astype("float32")
    answer = convolve(
        server,
        {"image": encode(image), "filter": encode(taps), "padding": "same"}
        | {"formulation": formulation, "storage": storage},
    )
    result = decode(answer["result"], "float32")
    expected = signal.correlate2d(image.astype("float64"), taps.astype("float64"), mode="same")
    assert np.all(np.abs(result - expected) <= oracle.bound(image, taps, "float32", padding="same"))
    assert answer["equivalent"] is True
    write_picture(f"{name}-{formulation}-{storage}", result)
    assert np.asarray(Image.open(PICTURES / f"{name}-{formulation}-{storage}.png")).std() > 1


def test_the_whole_photograph_is_too_large_for_a_dense_matrix(server, photograph):
    document = {"image": encode(photograph), "filter": [[1] * 3] * 3, "formulation": "toeplitz", "storage": "dense"}
    assert assert_problem(post(server, document), 422)["actual"] == 510 * 510 * 512 * 512 * 4
