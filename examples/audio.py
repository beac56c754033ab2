"""Audio: a DS-CNN hears from spectrograms of one second which language is spoken.

    python examples/audio.py           # some minutes on two cores
    python examples/audio.py --quick

Recorded telephone prompts in English, Spanish and French (Asterisk's, CC BY-SA 3.0),
fetched from Debian; the first two are one woman's voice. They are studio recordings of
two people: what is learnt is no recognition of languages for the street. Test sentences
are in no language part of the training.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from common import fit, options, show
from keras import layers
from voice_prompts import LANGUAGES, RATE, voice_prompts

import keras_nest

FRAME, HOP, MELS, SECOND = 256, 160, 20, 49  # a second has 49 frames, 20 ms apart


def log_mel(recording: np.ndarray) -> np.ndarray:
    """int16 samples to the logarithms of the power in mel bands, [frames, MELS]."""
    count = max(len(recording) - FRAME, 0) // HOP + 1
    padded = np.pad(recording / 32768, (0, FRAME))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP][:count]
    power = np.abs(np.fft.rfft(frames * np.hanning(FRAME))) ** 2
    mel = 2595 * np.log10(1 + np.fft.rfftfreq(FRAME, 1 / RATE) / 700)
    centres = np.linspace(0, mel[-1], MELS + 2)
    width = centres[1]
    bands = np.maximum(0, 1 - np.abs(mel[:, None] - centres[None, 1:-1]) / width)
    return np.log(power @ bands + 1e-6).astype("float32")


def seconds(recordings: list[np.ndarray], labels: np.ndarray) -> tuple[Any, Any]:
    """Every half second of speech as a spectrogram of one: [N, SECOND, MELS, 1]."""
    x, y = [], []
    for recording, label in zip(recordings, labels, strict=True):
        whole = log_mel(recording)
        for start in range(0, len(whole) - SECOND + 1, SECOND // 2):
            x.append(whole[start : start + SECOND, :, None])
            y.append(label)
    return np.array(x), np.array(y)


def ds_cnn(filters: int = 64) -> keras.Model:
    """Zhang et al., "Hello Edge" (2017), as MLPerf Tiny has it, for this input."""

    def norm_relu(x: Any) -> Any:
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))

    inputs = keras.Input((SECOND, MELS, 1), name="spectrogram")
    x = layers.Conv2D(filters, (10, 4), 2, padding="same", use_bias=False)(inputs)
    x = layers.Dropout(0.2)(norm_relu(x))
    for _ in range(4):
        x = norm_relu(layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x))
        x = norm_relu(layers.Conv2D(filters, 1, use_bias=False)(x))
    x = layers.Dropout(0.4)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(len(LANGUAGES), "softmax")(x))


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    chosen = options(__doc__, arguments)
    train, test = voice_prompts(chosen.cache)
    (x, y), (x_test, y_test) = seconds(*train), seconds(*test)
    mean, deviation = x.mean(), x.std()
    x, x_test = (x - mean) / deviation, (x_test - mean) / deviation
    if chosen.quick:
        x, y, x_test, y_test = x[::5], y[::5], x_test[::5], y_test[::5]

    # First the plain net, for a third of the epochs; then all levels at once. Depthwise
    # convolutions stay dense: the 1x1 ones have the multiplications.
    dense = ds_cnn(24 if chosen.quick else 64)
    fit(dense, x, y, epochs=2 if chosen.quick else 5)
    model = keras_nest.nest(dense, sparsities=(0.9, 0.7, 0.0), recipe="best")
    fit(model, x, y, epochs=2 if chosen.quick else 10)
    tflite = keras_nest.convert(model, x[:500], target="cortex-m4")
    return show(tflite, x_test, y_test, chosen.out)


if __name__ == "__main__":
    main()
