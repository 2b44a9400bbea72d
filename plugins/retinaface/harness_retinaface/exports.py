"""Exported graphs in the cache: made once from the torch graph, compared with it, renamed into place."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import PluginError
from harness.weights import cache_folder, sha256_of
from harness_retinaface.openvino_runner import OpenVinoRunner, openvino
from harness_retinaface.options import Network, Runtime
from harness_retinaface.picture import drawn_face
from harness_retinaface.runners import Maps, OnnxRunner, Runner, TorchRunner

GRAPH = 1  # raise it when the deployed graph changes: exports are made anew
TOLERANCE = 1e-2  # most an exported value may differ in float32; 0.01 is 0.1% of a prior's side, or 0.01 of a logit
FILES: dict[Runtime, str] = {"onnxruntime": "graph.onnx", "openvino": "graph.xml"}


def exported(runtime: Runtime, network: Network, checkpoint: Path) -> Path:
    """The model file of an exported graph; PluginError if it does not compute what torch computes."""
    folder = cache_folder("exports", _name(runtime, network, checkpoint))
    if not (folder / FILES[runtime]).is_file():
        _make(folder, runtime, network, checkpoint)
    return folder / FILES[runtime]


def discard(model: Path) -> None:
    """Remove an exported graph that cannot be read."""
    shutil.rmtree(model.parent, ignore_errors=True)


def _name(runtime: Runtime, network: Network, checkpoint: Path) -> str:
    versions = f"torch{metadata.version('torch')}-{runtime}{metadata.version(runtime)}"
    return f"retinaface-{network}-{sha256_of(checkpoint)[:16]}-graph{GRAPH}-{versions}"


def _make(folder: Path, runtime: Runtime, network: Network, checkpoint: Path) -> None:
    from harness_retinaface.deployed import deployed
    from harness_retinaface.graph import load

    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        graph = deployed(load(network, checkpoint))
        write = _write_onnx if runtime == "onnxruntime" else _write_openvino
        write(graph, draft / FILES[runtime])
        _compare(runtime, draft / FILES[runtime], TorchRunner(graph, "cpu", None, None, "float32"))
        draft.chmod(0o755)  # mkdtemp's 0700 would shut out the other users of a shared cache
        try:
            draft.rename(folder)
        except OSError:  # another process was faster, or a damaged folder lies there
            if not (folder / FILES[runtime]).is_file():
                shutil.rmtree(folder, ignore_errors=True)
                draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write_onnx(graph: object, path: Path) -> None:
    import torch

    free = torch.export.Dim.DYNAMIC
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            graph,  # type: ignore[arg-type]
            (torch.from_numpy(_frames(96, 160)),),
            dynamo=True,
            verbose=False,
            input_names=["frames"],
            output_names=["stride8", "stride16", "stride32"],
            dynamic_shapes=({0: free, 1: free, 2: free},),
        )
    assert program is not None
    program.save(str(path))


def _write_openvino(graph: object, path: Path) -> None:
    """By OpenVINO's own torch frontend: `openvino.convert_model` does the same but reports its use to its makers."""
    import torch

    package = openvino()
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer's remarks about sizes, which the comparison covers
        decoder = TorchScriptPythonDecoder(graph, example_input=(torch.from_numpy(_frames(96, 160)),))
        frontend = FrontEndManager().load_by_framework("pytorch")
        model = frontend.convert(frontend.load(decoder))
    model.inputs[0].get_node().set_element_type(package.Type.u8)
    model.inputs[0].get_node().set_partial_shape(package.PartialShape([-1, -1, -1, 3]))
    model.validate_nodes_and_infer_types()
    package.save_model(model, str(path), compress_to_fp16=False)


def _frames(height: int, width: int) -> NDArray[np.uint8]:
    """Two frames that differ, with a face that the network finds."""
    face = drawn_face(height, width, 0.7 * height)
    return np.stack([face, face[:, ::-1]])


def _compare(runtime: Runtime, model: Path, reference: Runner) -> None:
    """Outputs of an export beside torch's at a round and at an odd size."""
    exported_runner = (
        OnnxRunner(model, None, None) if runtime == "onnxruntime" else OpenVinoRunner(model, None, 2, "float32")
    )
    for frames in (_frames(96, 160), _frames(131, 77)):
        difference = most_different(together(exported_runner, frames), together(reference, frames))
        if not difference <= TOLERANCE:
            raise PluginError(
                f"the graph exported for {runtime} differs from torch's by {difference:.3g} (at most {TOLERANCE:g})"
            )


def together(runner: Runner, frames: NDArray[np.uint8]) -> Maps:
    """The maps of all frames in one."""
    groups = [tuple(level.copy() for level in maps) for maps in runner.run(frames)]
    return tuple(np.concatenate(level) for level in zip(*groups, strict=True))


def most_different(one: Maps, other: Maps) -> float:
    """Largest absolute difference of two sets of maps; infinity if their shapes differ."""
    if [level.shape for level in one] != [level.shape for level in other]:
        return float("inf")
    return max(float(np.abs(a - b).max()) for a, b in zip(one, other, strict=True))
