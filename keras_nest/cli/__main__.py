"""`python -m keras_nest.cli`."""

from keras_nest.cli import main

main()
