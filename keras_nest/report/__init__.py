"""What a .tflite gains over dense weights and over a model for each level.

`facts` gathers it as plain values, `page` puts them into one HTML file that needs no
network.
"""

from keras_nest.report.facts import ReportFacts, gather
from keras_nest.report.page import html

__all__ = ["ReportFacts", "gather", "html"]
