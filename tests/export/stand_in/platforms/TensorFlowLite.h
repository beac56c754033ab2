// Stand-in: the empty header by which Arduino finds the TFLM library.
