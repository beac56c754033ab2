"""A page on this machine that runs a .tflite on samples, with a slider for the level.

`session` runs the model in TFLM, `drawing` says what to show of an input, `page` makes
the HTML, `server` hands it out on the loopback address.
"""

from keras_nest.demo.server import DemoServer
from keras_nest.demo.session import Session

__all__ = ["DemoServer", "Session"]
