"""Loading a saved Keras model for the command line, with its failures explained."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from keras_nest import reporting
from keras_nest.errors import NestError
from keras_nest.files import read_bytes
from keras_nest.runtime.stderr import StderrCapture


def load_keras_model(path: str, modules: tuple[str, ...]) -> Any:
    """Loads a .keras file with the nested layers, and the user's own, registered."""
    if not path.endswith((".keras", ".h5")):
        raise NestError(
            f"Expected a Keras model file (.keras). Received: {path}",
            hint="Save the trained model with model.save('model.keras').",
        )
    content = read_bytes(path)
    if path.endswith(".keras") and not content.startswith(b"PK"):
        raise NestError(
            f"Expected a file that Keras wrote. Received: {path}, which is no .keras "
            "archive",
            hint="Save the trained model with model.save('model.keras').",
        )
    sys.path.insert(0, os.getcwd())
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise NestError(
                f"Cannot import {module!r}, asked for with --import: {error}",
                hint="Name a module that Python finds from the current folder.",
            ) from error
    with reporting.status(f"Loading {path}"):
        keras = import_keras()
        try:
            return keras.saving.load_model(path, compile=False)
        except Exception as error:
            # Keras lets the exceptions of zip, h5py and the layers' own code through.
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise NestError(
                f"Cannot load {path} as a Keras model: {reason}",
                hint="If it uses layers of your own, name their module with --import.",
            ) from error


def import_keras() -> Any:
    """Keras with its backend, without what TensorFlow prints of itself on import."""
    capture = StderrCapture()
    try:
        with capture.held():
            import keras

            import keras_nest.model  # noqa: F401  (registers the layers)
    except (ImportError, ValueError) as error:
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        raise NestError(
            f"Keras cannot load its backend {backend!r}: {error}",
            hint="Install it, or set KERAS_BACKEND to one that is installed: "
            "tensorflow, jax or torch.",
        ) from error
    return keras
