import numpy as np
import pytest
from harness_hsemotion.networks import LiteRtNetwork, OnnxNetwork
from harness_hsemotion.picture import Preparation
from onnx import TensorProto

from harness.errors import ConfigError, WeightsError


def preparation(**changes):
    given = {
        "share": 1.0, "side": 8, "channels": 3, "layout": "nchw", "colour": "rgb", "highest": 1.0, "mean": (0.0,),
        "std": (1.0,),
    }  # fmt: skip
    return Preparation(**{**given, **changes})


def noise(count=2, size=32, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def test_pixels_are_scaled_then_the_mean_subtracted_then_divided():
    faces = np.full((1, 8, 8, 3), (255, 51, 0), np.uint8)
    made = preparation(mean=(0.5, 0.1, 0.0), std=(0.5, 0.1, 0.2))(faces)
    assert made.shape == (1, 3, 8, 8)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made[0, :, 3, 4], [1.0, 1.0, 0.0], atol=1e-6)


def test_fer2013_sees_grey_pixels_from_minus_one_to_one():
    faces = np.full((1, 8, 8, 3), 200, np.uint8)
    made = preparation(colour="grey", channels=1, layout="nhwc", mean=(0.5,), std=(0.5,))(faces)
    assert made.shape == (1, 8, 8, 1)
    np.testing.assert_allclose(made, 200 / 127.5 - 1, atol=1e-6)


def test_grey_is_the_luma_of_rgb():
    faces = np.full((1, 8, 8, 3), (200, 100, 50), np.uint8)
    made = preparation(colour="grey", channels=1, highest=255)(faces)
    np.testing.assert_allclose(made, 0.299 * 200 + 0.587 * 100 + 0.114 * 50, atol=0.51)


def test_grey_is_repeated_for_a_network_of_three_channels():
    made = preparation(colour="grey", highest=255)(noise())
    np.testing.assert_array_equal(made[:, 0], made[:, 1])
    np.testing.assert_array_equal(made[:, 0], made[:, 2])


def test_bgr_turns_the_channels_round():
    faces = noise()
    np.testing.assert_array_equal(preparation(colour="bgr")(faces), preparation()(faces)[:, ::-1])


def test_a_face_of_the_right_size_is_left_as_it_is():
    faces = noise(size=8)
    np.testing.assert_array_equal(preparation(highest=255, layout="nhwc")(faces), faces)


def test_the_centre_is_kept_so_that_a_margin_goes():
    faces = np.zeros((1, 40, 40, 3), np.uint8)
    faces[:, 10:30, 10:30] = 255
    np.testing.assert_array_equal(preparation(share=0.5)(faces), 1.0)
    assert preparation(share=0.6)(faces).min() < 1


def test_shrinking_averages_so_that_nothing_is_aliased():
    stripes = np.zeros((1, 64, 64, 3), np.uint8)
    stripes[:, :, ::2] = 255
    np.testing.assert_allclose(preparation()(stripes), 127.5 / 255, atol=1 / 255)


def test_the_faces_are_not_written_to():
    faces = noise()
    faces.setflags(write=False)
    for colour in ("rgb", "bgr", "grey"):
        preparation(colour=colour, share=0.9)(faces)


def test_an_open_network_takes_any_number_and_size_of_images(colour_network):
    network = OnnxNetwork(colour_network())
    assert (network.layout, network.channels, network.side) == ("nchw", 3, None)
    images = np.random.default_rng(0).random((19, 3, 12, 12), np.float32)
    weights = np.array([[4, 0, 0], [0, 4, 0]], np.float32)
    np.testing.assert_allclose(network(images)[:, :2], images.mean((2, 3)) @ weights.T, rtol=1e-5)
    assert network(images[:0]).shape[0] == 0


def test_a_fixed_number_of_images_is_filled_up(colour_network):
    network = OnnxNetwork(colour_network(batch=4, side=12))
    assert network.side == 12
    images = np.random.default_rng(0).random((6, 3, 12, 12), np.float32)
    np.testing.assert_allclose(network(images)[:, 0], 4 * images[:, 0].mean((1, 2)), rtol=1e-5)


def test_channels_may_come_last_and_pixels_be_bytes(colour_network):
    network = OnnxNetwork(colour_network(layout="nhwc", side=9, kind=TensorProto.UINT8))
    assert (network.layout, network.side) == ("nhwc", 9)
    images = np.full((2, 9, 9, 3), 7.0, np.float32)
    np.testing.assert_allclose(network(images)[:, 0], 28, rtol=1e-6)


def test_an_output_is_chosen_by_name(colour_network):
    path = colour_network(outputs=("scores", "negated"))
    images = np.ones((1, 3, 8, 8), np.float32)
    np.testing.assert_allclose(OnnxNetwork(path, output="negated")(images), -OnnxNetwork(path)(images))
    with pytest.raises(ConfigError, match="has no output 'probs'; it has scores, negated"):
        OnnxNetwork(path, output="probs")


@pytest.mark.parametrize("network", [OnnxNetwork, LiteRtNetwork])
def test_a_file_that_is_no_network_is_refused(network, tmp_path):
    path = tmp_path / "net.bin"
    path.write_bytes(b"no network")
    with pytest.raises(WeightsError, match=r"net\.bin is no network that .* can run"):
        network(path)


def test_a_network_of_two_inputs_is_refused(colour_network):
    with pytest.raises(WeightsError, match="one input of images was expected"):
        OnnxNetwork(colour_network(inputs=("images", "more")))


def test_an_oblong_input_is_refused(colour_network):
    with pytest.raises(WeightsError, match="wants images of 8 x 9 pixels; only square ones"):
        OnnxNetwork(colour_network(shape=["n", 3, 8, 9]))


def test_an_input_that_does_not_tell_its_layout_is_asked_for(colour_network):
    path = colour_network(shape=["n", "c", "h", "w"])
    with pytest.raises(ConfigError, match="does not say where its input .* has the channels; set layout"):
        OnnxNetwork(path)
    assert OnnxNetwork(path, layout="nchw").channels == 3


def test_a_layout_that_gives_odd_channels_is_refused(colour_network):
    with pytest.raises(ConfigError, match="wants 8 channels with layout 'nhwc', not 1 or 3"):
        OnnxNetwork(colour_network(side=8), layout="nhwc")


def test_images_that_the_network_refuses_are_told(colour_network):
    with pytest.raises(ConfigError, match=r"refused images of shape \(1, 3, 9, 9\)"):
        OnnxNetwork(colour_network(side=8))(np.zeros((1, 3, 9, 9), np.float32))


def test_the_real_file_of_fer2013_is_read(fer_weights):
    network = LiteRtNetwork(fer_weights)
    assert (network.layout, network.side, network.channels) == ("nhwc", 64, 1)
    outputs = network(np.zeros((2, 64, 64, 1), np.float32))
    assert outputs.shape == (2, 7)
    np.testing.assert_allclose(outputs.sum(1), 1, atol=1e-3)
    assert network(np.zeros((0, 64, 64, 1), np.float32)).shape[0] == 0
