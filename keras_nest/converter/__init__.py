"""From a trained Keras model to a nested .tflite, and back to plain ones.

The stages, each importing only from those before it: `freeze` (Keras to graph),
`calibrate` (activation ranges over all levels), `quantize` (shared int8 weights, tables
per level), `emit` and `flatbuffer` (the file). `extract` and `describe` read a finished
file and need neither Keras nor TensorFlow.
"""
