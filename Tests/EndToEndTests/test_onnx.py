"""The Conv and ConvTranspose cases of the ONNX operator specification, as they stand in the `onnx` package.

docs/onnx.md says how each attribute maps; `fields` below is that table as a program.
"""

import itertools
from unittest import mock

import numpy as np
import onnx
import oracle
import pytest
from onnx.backend.test.case.node import conv, convtranspose
from onnx.reference import ReferenceEvaluator
from support import COMBINATIONS, DOT_PRODUCTS, ROOT, assert_problem, decode, encode

AUTO_PAD = {"VALID": "valid", "SAME_UPPER": "same_upper", "SAME_LOWER": "same_lower"}

# Images have two dimensions here; what has three is another operator.
OUT_OF_SCOPE = {"test_convtranspose_3d"}


def cases(module, exporter):
    """Every `expect(node, inputs, outputs, name)` of a specification's file."""
    found = []

    def record(node, inputs, outputs, name, **_):
        found.append((f"{name}-{len(found)}" if name == "test" else name, node, inputs, outputs))

    with mock.patch.object(module, "expect", record):
        for name in sorted(vars(exporter)):
            if name.startswith("export"):
                getattr(exporter, name)()
    return found


SPECIFIED = cases(conv, conv.Conv) + cases(convtranspose, convtranspose.ConvTranspose)


def attributes(node):
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}


def fields(node, axes=2):
    """A node's attributes as fields of POST /convolve; an axis that a 1-D node lacks stands in front with nothing to do."""
    given = attributes(node)
    lacking = 2 - axes
    document = {"transposed": True} if node.op_type == "ConvTranspose" else {}
    for theirs, ours, neutral in [("strides", "stride", 1), ("dilations", "dilation", 1), ("output_padding", "output_padding", 0)]:
        if theirs in given:
            document[ours] = [neutral] * lacking + list(given[theirs])
    if "group" in given:
        document["groups"] = given["group"]
    if "output_shape" in given:
        document["output_shape"] = [1] * lacking + list(given["output_shape"])
    auto_pad = given.get("auto_pad", b"NOTSET").decode()
    if auto_pad != "NOTSET":
        document["padding"] = AUTO_PAD[auto_pad]
    elif "pads" in given and "output_shape" not in given:
        # ONNX lists the beginnings of all axes, then the ends: top, left, bottom, right.
        begins, ends = given["pads"][:axes], given["pads"][axes:]
        document["padding"] = [0] * lacking + list(begins) + [0] * lacking + list(ends)
    return document


def ask(asker, node, inputs, choice):
    image, taps = inputs[:2]
    axes = image.ndim - 2
    if axes == 1:
        image, taps = image[:, :, None], taps[:, :, None]
    document = {"image": encode(image), "filter": encode(taps)} | fields(node, axes) | choice
    if len(inputs) > 2:
        document["bias"] = encode(inputs[2])
    answer = asker.convolve(document)
    result = decode(answer["result"], image.dtype.name)
    assert answer["equivalent"] is True
    return result[:, :, 0] if axes == 1 else result


def ways(node, inputs):
    """Every way to compute a node, Winograd's where it can."""
    plain = {1} >= {*attributes(node).get("strides", []), *attributes(node).get("dilations", [])}
    return [
        {"formulation": formulation, "storage": storage}
        for formulation, storage in COMBINATIONS
        if formulation != "winograd" or plain and inputs[1].shape[2:] == (3, 3)
    ]


def test_every_case_of_the_specification_is_here():
    """A new version of the package with more cases must not pass unseen."""
    names = [name for name, *_ in SPECIFIED]
    assert len(names) == len(set(names)) >= 17
    assert {name for name, _, inputs, _ in SPECIFIED if inputs[0].ndim == 5} == OUT_OF_SCOPE
    assert {"test_convtranspose_output_shape", "test_convtranspose_pads", "test_conv_with_autopad_same"} <= set(names)


@pytest.mark.parametrize(
    "node, inputs, outputs",
    [pytest.param(*case, id=name) for name, *case in SPECIFIED if name not in OUT_OF_SCOPE],
)
def test_a_case_of_the_specification(asker, node, inputs, outputs):
    for choice in ways(node, inputs):
        result = ask(asker, node, inputs, choice)
        assert result.shape == outputs[0].shape, choice
        if (choice["formulation"], choice["storage"]) in DOT_PRODUCTS:
            # The cases are of integers.
            assert np.array_equal(result, outputs[0]), choice
        else:
            assert np.allclose(result, outputs[0], rtol=1e-5, atol=1e-4), choice


def evaluate(node, inputs):
    """What ONNX's own reference implementation says."""
    names = ["X", "W", "B"][: len(inputs)]
    types = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.DOUBLE, i.shape) for n, i in zip(names, inputs)]
    result = onnx.helper.make_tensor_value_info("Y", onnx.TensorProto.DOUBLE, None)
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "one node", types, [result]))
    return ReferenceEvaluator(model).run(None, dict(zip(names, inputs)))[0]


def integers(rng, *shape):
    return rng.integers(-9, 10, shape).astype("float64")


AUTO = [
    (auto_pad, plane, kernel, strides)
    for auto_pad, (plane, kernel, strides) in itertools.product(
        ["SAME_UPPER", "SAME_LOWER", "VALID"],
        [
            ((5, 5), (3, 3), (1, 1)), ((5, 6), (3, 3), (2, 2)), ((6, 5), (2, 4), (1, 1)), ((7, 8), (2, 2), (2, 3)),
            ((9, 4), (4, 3), (3, 2)), ((8, 8), (1, 1), (2, 2)), ((5, 7), (2, 3), (4, 1)),
        ],
    )
]  # fmt: skip


@pytest.mark.parametrize("auto_pad, plane, kernel, strides", AUTO)
def test_auto_pad_of_a_convolution(asker, auto_pad, plane, kernel, strides):
    rng = np.random.default_rng(1)
    inputs = [integers(rng, 2, 2, *plane), integers(rng, 3, 2, *kernel), integers(rng, 3)]
    node = onnx.helper.make_node("Conv", ["X", "W", "B"], ["Y"], auto_pad=auto_pad, strides=strides)
    # The specification: ceil(input / stride) outputs, of an odd padding the extra one behind (UPPER) or in front (LOWER).
    if auto_pad == "VALID":
        pads = [0, 0, 0, 0]
    else:
        wanted = [-(-i // s) for i, s in zip(plane, strides)]
        totals = [max(0, (o - 1) * s + k - i) for o, s, k, i in zip(wanted, strides, kernel, plane)]
        less, more = [t // 2 for t in totals], [t - t // 2 for t in totals]
        pads = less + more if auto_pad == "SAME_UPPER" else more + less
    # The reference evaluator pads as it is told; its own auto_pad takes the stride for 1 in some versions.
    expected = evaluate(onnx.helper.make_node("Conv", ["X", "W", "B"], ["Y"], pads=pads, strides=strides), inputs)
    for formulation, storage in DOT_PRODUCTS:
        result = ask(asker, node, inputs, {"formulation": formulation, "storage": storage})
        assert np.array_equal(result, expected)
        if auto_pad != "VALID":
            assert list(result.shape[2:]) == wanted


@pytest.mark.parametrize("auto_pad, plane, kernel, strides", [case for case in AUTO if case[0] != "VALID"])
def test_auto_pad_of_a_transposed_convolution(asker, auto_pad, plane, kernel, strides):
    """input · stride outputs. Where the filter is shorter than the stride, rows are added and not cut off."""
    rng = np.random.default_rng(2)
    inputs = [integers(rng, 2, 3, *plane), integers(rng, 3, 2, *kernel)]
    node = onnx.helper.make_node("ConvTranspose", ["X", "W"], ["Y"], auto_pad=auto_pad, strides=strides)
    wanted = [i * s for i, s in zip(plane, strides)]
    expected = oracle.convolve(*inputs, stride=strides, transposed=True, padding=AUTO_PAD[auto_pad])
    if all(k >= s for k, s in zip(kernel, strides)):
        # The reference evaluator can't pad by less than nothing.
        assert np.array_equal(evaluate(node, inputs), expected)
    for formulation, storage in DOT_PRODUCTS:
        result = ask(asker, node, inputs, {"formulation": formulation, "storage": storage})
        assert list(result.shape[2:]) == wanted
        assert np.array_equal(result, expected)


@pytest.mark.parametrize("auto_pad", ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"])
@pytest.mark.parametrize("output_shape", [[9, 8], [10, 10], [11, 9], [8, 11], [7, 7]])
@pytest.mark.parametrize("output_padding", [None, [1, 0], [1, 1]])
def test_output_shape(asker, auto_pad, output_shape, output_padding):
    """total_padding = stride·(input − 1) + output_padding + extent of the filter − output_shape, split as auto_pad says."""
    rng = np.random.default_rng(3)
    inputs = [integers(rng, 1, 2, 5, 5), integers(rng, 2, 3, 3, 3), integers(rng, 3)]
    given = {"auto_pad": auto_pad, "output_shape": output_shape, "strides": [2, 2]}
    if output_padding:
        given["output_padding"] = output_padding
    node = onnx.helper.make_node("ConvTranspose", ["X", "W", "B"], ["Y"], **given)
    # Worked out here from the specification's formulas, and handed to the reference evaluator as explicit pads.
    totals = [2 * 4 + (output_padding or [0, 0])[i] + 3 - output_shape[i] for i in range(2)]
    less, more = [t // 2 for t in totals], [t - t // 2 for t in totals]
    pads = less + more if auto_pad == "SAME_UPPER" else more + less
    explicit = {"pads": pads, "strides": [2, 2]} | ({"output_padding": output_padding} if output_padding else {})
    if min(totals) >= 0:
        expected = evaluate(onnx.helper.make_node("ConvTranspose", ["X", "W", "B"], ["Y"], **explicit), inputs)
    else:
        expected = oracle.convolve(*inputs, stride=2, transposed=True, output_shape=output_shape)
    for formulation, storage in DOT_PRODUCTS:
        result = ask(asker, node, inputs, {"formulation": formulation, "storage": storage})
        assert list(result.shape[2:]) == output_shape
        assert np.array_equal(result, expected), (formulation, storage)


@pytest.mark.parametrize("seed", range(40))
def test_random_nodes(asker, seed):
    """Explicit pads, dilations, groups and strides of both operators, against ONNX's reference implementation."""
    rng = np.random.default_rng(seed)
    transposed = bool(seed % 2)
    group = int(rng.integers(1, 4))
    # The reference evaluator's grouped ConvTranspose is right for one channel a group, in and out, only.
    alone = transposed and group > 1
    per_group, others = (1, 1) if alone else rng.integers(1, 3, 2).tolist()
    strides, dilations = rng.integers(1, 4, 2).tolist(), rng.integers(1, 3, 2).tolist()
    kernel, pads = rng.integers(2, 4, 2).tolist(), rng.integers(0, 2, 4).tolist()
    plane = rng.integers(5, 9, 2).tolist()
    given = {"strides": strides, "dilations": dilations, "pads": pads, "group": group}
    if transposed:
        # The reference evaluator takes it below the stride only, and not below the dilation as well.
        given["output_padding"] = [int(rng.integers(0, s)) for s in strides]
        inputs = [integers(rng, 2, group * others, *plane), integers(rng, group * others, per_group, *kernel)]
        if group == 1:
            inputs.append(integers(rng, per_group))
    else:
        inputs = [integers(rng, 2, group * per_group, *plane), integers(rng, group * others, per_group, *kernel)]
        inputs.append(integers(rng, group * others))
    node = onnx.helper.make_node("ConvTranspose" if transposed else "Conv", ["X", "W", "B"][: len(inputs)], ["Y"], **given)
    expected = evaluate(node, inputs)
    for formulation, storage in DOT_PRODUCTS:
        assert np.array_equal(ask(asker, node, inputs, {"formulation": formulation, "storage": storage}), expected)


def test_an_output_shape_out_of_reach(asker, server):
    document = {"image": [[1, 2], [3, 4]], "filter": [[1]], "transposed": True, "stride": 2, "output_shape": [4, 6]}
    problem = assert_problem(asker.ask("/convolve", document), 422, "/output_shape")
    assert "6" in problem["detail"] and "1 to 4" in problem["detail"]


def test_the_document_names_every_attribute():
    """docs/onnx.md has a row for each attribute of both operators' newest versions, and for PyTorch's arguments."""
    text = (ROOT / "docs/onnx.md").read_text()
    for operator in ["Conv", "ConvTranspose"]:
        for name in onnx.defs.get_schema(operator).attributes:
            assert f"| `{name}`" in text, (operator, name)
    for name in ["stride", "padding", "padding_mode", "dilation", "groups", "output_padding", "output_size", "bias"]:
        assert f"`{name}`" in text.split("## PyTorch")[1], name
