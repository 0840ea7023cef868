"""The libraries that `peers.py` measures against: each contender computes a cell's result and is timed on its own."""

import ctypes
import io
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import openvino
import scipy.signal
import scipy.sparse
import torch

HERE = Path(__file__).resolve().parent
PREFIX = Path(sys.prefix)
# Applications shorter than this are timed several at once: reading the clock takes a hundredth of it.
SHORTEST = 10e-6

torch.set_num_threads(1)
torch.set_grad_enabled(False)
torch.sparse.check_sparse_tensor_invariants.disable()
cv2.setNumThreads(0)


class Contender:
    """A way to compute a cell: `apply()` returns its result."""

    def __init__(self, name, apply):
        self.name, self.apply, self.together = name, apply, 1

    def run(self, seconds):
        """Seconds an application, as many as fit."""
        times, apply, clock = [], self.apply, time.perf_counter
        start = clock()
        while True:
            lap = clock()
            for _ in range(self.together):
                apply()
            taken = clock() - lap
            if taken < SHORTEST:
                times.clear()
                self.together *= 2
                continue
            times.append(taken / self.together)
            if clock() - start >= seconds:
                return times

    def result(self):
        return np.asarray(self.apply())


class Ipp(Contender):
    """Intel IPP, timed by a loop in C."""

    library = None

    def __init__(self, name, image, weights, is_convolution):
        if Ipp.library is None:
            Ipp.library = Ipp._load()
        self.name, self.together = name, 1
        self.pixels = np.ascontiguousarray(image)
        # IPP's convolution turns the filter; the other one does not.
        self.weights = np.ascontiguousarray(weights[::-1, ::-1] if is_convolution else weights)
        self.output = np.empty([a - b + 1 for a, b in zip(image.shape, weights.shape)], image.dtype)
        self.times = (ctypes.c_double * 100_000)()
        sizes = [*image.shape, *weights.shape]
        arrays = [ctypes.c_void_p(array.ctypes.data) for array in (self.pixels, self.weights, self.output)]
        is_double = image.dtype == np.float64
        self.filter = self.library.filter_new(int(is_double), int(is_convolution), *sizes, *arrays)
        if not self.filter:
            raise RuntimeError("IPP refuses it")

    @staticmethod
    def _load():
        built, names = PREFIX / "ipp_filter.so", PREFIX / "ipp"
        source = HERE / "ipp_filter.c"
        if not built.exists() or built.stat().st_mtime < source.stat().st_mtime:
            # IPP looks for the library of this processor by a name with two numbers, and its package has one with one. The old
            # kind of search path holds for what IPP opens, too.
            names.mkdir(exist_ok=True)
            for library in (PREFIX / "lib").glob("libipp*.so.*"):
                for name in (library.name, library.name + ".1"):
                    (names / name).unlink(missing_ok=True)
                    (names / name).symlink_to(library)
            subprocess.run(
                ["cc", "-O2", "-shared", "-fPIC", f"-I{PREFIX}/include", str(source), "-o", str(built),
                 *(str(next(names.glob(f"lib{name}.so.*"))) for name in ("ippi", "ipps", "ippcore")),
                 f"-Wl,--disable-new-dtags,-rpath,{names}"],
                check=True,
            )
        loaded = ctypes.CDLL(str(built))
        loaded.filter_new.restype = ctypes.c_void_p
        loaded.filter_time.argtypes = [ctypes.c_void_p, ctypes.c_double, ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
        loaded.filter_library.restype = ctypes.c_char_p
        return loaded

    def run(self, seconds):
        while True:
            count = self.library.filter_time(self.filter, seconds, self.together, self.times, len(self.times))
            times = self.times[:count]
            if min(times) * self.together >= SHORTEST:
                return times
            self.together *= 2

    def result(self):
        self.library.filter_time(self.filter, 0, 1, self.times, 1)
        return self.output


def tensors(problem, *names):
    """The arrays of a problem as torch's, four-dimensional."""
    return [torch.from_numpy(getattr(problem, name)).reshape(problem.shape4(name)) for name in names]


def torch_contiguous(problem):
    x, w = tensors(problem, "image", "filter")
    return Contender("torch", lambda: torch.nn.functional.conv2d(x, w, **problem.torch))


def torch_channels_last(problem):
    x, w = (t.to(memory_format=torch.channels_last) for t in tensors(problem, "image", "filter"))
    return Contender("torch, channels last", lambda: torch.nn.functional.conv2d(x, w, **problem.torch))


def torch_prepacked(problem):
    x, w = tensors(problem, "image", "filter")
    o = problem.torch
    packed = torch.ops.mkldnn_prepacked.conv2d_prepack(
        w, None, o["stride"], o["padding"], o["dilation"], o["groups"], list(x.shape), "none"
    )
    return Contender("torch, prepacked", lambda: torch.ops.mkldnn_prepacked.conv2d_run(x, packed))


def torch_mkldnn(problem):
    """Image and result in oneDNN's own layout, as between the layers of a network."""
    x, w = tensors(problem, "image", "filter")
    o = problem.torch
    packed = torch._C._nn.mkldnn_reorder_conv2d_weight(
        w.to_mkldnn(), o["padding"], o["stride"], o["dilation"], o["groups"], list(x.shape)
    )
    x = x.to_mkldnn()

    def apply():
        return torch.mkldnn_convolution(x, packed, None, o["padding"], o["stride"], o["dilation"], o["groups"])

    contender = Contender("torch, oneDNN layout", apply)
    contender.result = lambda: apply().to_dense().numpy()
    return contender


def torch_gradient(problem, which):
    x, w, g = tensors(problem, "image", "filter", "upstream")
    o = problem.torch
    mask = [which == "image-gradient", which == "filter-gradient", False]

    def apply():
        return torch.ops.aten.convolution_backward(
            g, x, w, None, o["stride"], o["padding"], o["dilation"], False, [0, 0], o["groups"], mask
        )[mask.index(True)]

    return Contender("torch", apply)


def onnx_model(problem):
    """A model of one Conv whose weights are constants, as bytes."""
    kind = onnx.TensorProto.DOUBLE if problem.image.dtype == np.float64 else onnx.TensorProto.FLOAT
    weights = onnx.numpy_helper.from_array(problem.filter.reshape(problem.shape4("filter")), "w")
    o = problem.torch
    node = onnx.helper.make_node(
        "Conv", ["x", "w"], ["y"], strides=o["stride"], pads=o["padding"] * 2, dilations=o["dilation"], group=o["groups"]
    )
    graph = onnx.helper.make_graph(
        [node], "conv",
        [onnx.helper.make_tensor_value_info("x", kind, problem.shape4("image"))],
        [onnx.helper.make_tensor_value_info("y", kind, problem.shape4("result"))],
        [weights],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def onnx_runtime(problem):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(onnx_model(problem), options, providers=["CPUExecutionProvider"])
    output = np.empty(problem.shape4("result"), problem.image.dtype)
    binding = session.io_binding()
    binding.bind_cpu_input("x", problem.image.reshape(problem.shape4("image")))
    binding.bind_output("y", "cpu", 0, output.dtype.type, output.shape, output.ctypes.data)
    contender = Contender("ONNX Runtime", lambda: session.run_with_iobinding(binding))
    contender.result = lambda: (session.run_with_iobinding(binding), output)[1]
    return contender


def openvino_cpu(problem):
    core = openvino.Core()
    model = core.read_model(io.BytesIO(onnx_model(problem)))
    how = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": "1", "INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
    request = core.compile_model(model, "CPU", how).create_infer_request()
    request.set_input_tensor(openvino.Tensor(problem.image.reshape(problem.shape4("image"))))
    contender = Contender("OpenVINO", lambda: request.infer())
    contender.result = lambda: (request.infer(), request.get_output_tensor().data)[1]
    return contender


def ipp_filter(problem):
    return Ipp("IPP filter", problem.image, problem.filter, False)


def ipp_convolution(problem):
    return Ipp("IPP convolution", problem.image, problem.filter, True)


def opencv_filter(problem):
    """As many outputs as pixels: OpenCV has no other way. What stands within the borders is compared."""
    image, weights = problem.image, problem.filter
    output = np.empty_like(image)
    above, before = ((size - 1) // 2 for size in weights.shape)
    height, width = (a - b + 1 for a, b in zip(image.shape, weights.shape))

    def apply():
        return cv2.filter2D(image, -1, weights, output, (before, above), 0, cv2.BORDER_CONSTANT)

    contender = Contender("OpenCV", apply)
    contender.result = lambda: apply()[above : above + height, before : before + width]
    return contender


def scipy_fft(problem):
    turned = np.ascontiguousarray(problem.filter[::-1, ::-1])
    return Contender("SciPy FFT", lambda: scipy.signal.fftconvolve(problem.image, turned, mode="valid"))


def scipy_overlap_add(problem):
    turned = np.ascontiguousarray(problem.filter[::-1, ::-1])
    return Contender("SciPy overlap-add", lambda: scipy.signal.oaconvolve(problem.image, turned, mode="valid"))


def scipy_correlate(problem):
    return Contender("SciPy correlate2d", lambda: scipy.signal.correlate2d(problem.image, problem.filter, mode="valid"))


def toeplitz_matrix(problem):
    """The doubly blocked Toeplitz matrix of a single-channel problem without padding, in rows of its entries."""
    (height, width), (taps_height, taps_width) = problem.image.shape, problem.filter.shape
    rows, columns = height - taps_height + 1, width - taps_width + 1
    corner = (np.arange(rows)[:, None] * width + np.arange(columns)).ravel()
    taps = (np.arange(taps_height)[:, None] * width + np.arange(taps_width)).ravel()
    indices = (corner[:, None] + taps).astype(np.int32).ravel()
    starts = np.arange(rows * columns + 1, dtype=np.int32) * taps.size
    entries = np.tile(problem.filter.ravel(), rows * columns)
    return scipy.sparse.csr_array((entries, indices, starts), shape=(rows * columns, height * width))


def scipy_csr(problem):
    matrix, vector = toeplitz_matrix(problem), problem.image.ravel()
    return Contender("SciPy CSR", lambda: matrix @ vector)


def torch_csr(problem):
    matrix = toeplitz_matrix(problem)
    sparse = torch.sparse_csr_tensor(
        torch.from_numpy(matrix.indptr), torch.from_numpy(matrix.indices), torch.from_numpy(matrix.data), matrix.shape
    )
    vector = torch.from_numpy(problem.image.ravel())
    return Contender("torch CSR", lambda: sparse @ vector)


def numpy_dense(problem):
    matrix, vector = toeplitz_matrix(problem).toarray(), problem.image.ravel()
    output = np.empty(matrix.shape[0], matrix.dtype)
    return Contender("NumPy", lambda: np.dot(matrix, vector, out=output))


def torch_dense(problem):
    matrix = torch.from_numpy(toeplitz_matrix(problem).toarray())
    vector, output = torch.from_numpy(problem.image.ravel()), torch.empty(matrix.shape[0], dtype=matrix.dtype)
    return Contender("torch", lambda: torch.mv(matrix, vector, out=output))


def band_matrices(problem):
    """One banded matrix for each column of the filter, and the columns of the image it meets."""
    height = problem.image.shape[0] - problem.filter.shape[0] + 1
    width = problem.image.shape[1] - problem.filter.shape[1] + 1
    bands = []
    for v in range(problem.filter.shape[1]):
        band = np.zeros((height, problem.image.shape[0]), problem.image.dtype)
        for u in range(problem.filter.shape[0]):
            band[np.arange(height), np.arange(height) + u] = problem.filter[u, v]
        bands.append((band, problem.image[:, v : v + width]))
    return bands


def _sum_of_products(products, add):
    def apply():
        total = products[0][0] @ products[0][1]
        for band, columns in products[1:]:
            add(total, band @ columns)
        return total

    return apply


def numpy_bands(problem):
    return Contender("NumPy", _sum_of_products(band_matrices(problem), lambda a, b: np.add(a, b, out=a)))


def torch_bands(problem):
    bands = [(torch.from_numpy(band), torch.from_numpy(columns.copy())) for band, columns in band_matrices(problem)]
    return Contender("torch", _sum_of_products(bands, lambda a, b: a.add_(b)))


def scipy_bands(problem):
    bands = [(scipy.sparse.csr_array(band), columns.copy()) for band, columns in band_matrices(problem)]
    return Contender("SciPy CSR", _sum_of_products(bands, lambda a, b: np.add(a, b, out=a)))


def versions():
    """What was measured against, by name."""
    from threadpoolctl import threadpool_info

    # OpenCV and SciPy bring one of their own.
    blas = next((i for i in threadpool_info() if i["internal_api"] == "openblas" and "numpy" in i["filepath"]), None)
    return {
        "torch": torch.__version__,
        "oneDNN": next((p for p in torch.__config__.show().split() if p.startswith("v3")), "?"),
        "ONNX Runtime": onnxruntime.__version__,
        "OpenVINO": openvino.__version__.split("-")[0],
        "OpenCV": cv2.__version__,
        "NumPy": np.__version__,
        "OpenBLAS": f"{blas['version']}, {blas['architecture']}" if blas else "none",
        "SciPy": scipy.__version__,
        "IPP": Ipp.library.filter_library().decode() if Ipp.library else "none",
    }
